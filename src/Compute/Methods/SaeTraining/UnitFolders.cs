namespace InterpActors.Compute.Methods.SaeTraining;

/// <summary>What training units keep in a process's folder.</summary>
public static class UnitFolders
{
    /// <summary>Harvested activations by content.</summary>
    internal const string Harvest = "harvest";

    /// <summary>Checkpoints by study and unit.</summary>
    internal const string Training = "training";

    /// <summary>Large results by content.</summary>
    internal const string Artifacts = "artifacts";

    /// <summary>Removes what nobody needs once a study is over: activations and, of dictionaries that were all trained, checkpoints; the
    /// last ones are results too.</summary>
    public static void RemoveScratch(string folder, bool checkpointsToo)
    {
        foreach (var name in checkpointsToo ? [Harvest, Training] : (string[])[Harvest])
        {
            try
            {
                if (Directory.Exists(Path.Combine(folder, name))) Directory.Delete(Path.Combine(folder, name), recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It only takes room.
            }
        }
    }
}
