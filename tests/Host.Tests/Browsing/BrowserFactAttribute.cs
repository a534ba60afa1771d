namespace InterpActors.Host.Tests.Browsing;

/// <summary>A test that is driven through a real browser; skipped where this machine has none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Browser.Executable is null)
            Skip = "no browser here: install Chromium (apt-get install chromium), or name one in INTERP_TEST_BROWSER";
    }
}
