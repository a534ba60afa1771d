namespace InterpActors.Compute.Tests;

/// <summary>The test project's own small files.</summary>
public static class TestData
{
    public static string Path(string relative) => System.IO.Path.Combine(AppContext.BaseDirectory, "Data", relative);
}
