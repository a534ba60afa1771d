namespace InterpActors.Host.Web;

/// <summary>A request that is answered with a status other than success and one line.</summary>
internal sealed class ApiException(int status, string line) : Exception(line.ReplaceLineEndings(" "))
{
    public int Status { get; } = status;
}
