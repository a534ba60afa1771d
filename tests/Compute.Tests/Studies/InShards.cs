using InterpActors.Compute.Methods.ActivationPatching;
using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Studies;

/// <summary>Patching, with base runs that fit a few prompts only.</summary>
internal sealed class InShards : IStudyKind
{
    private readonly ActivationPatchingKind _kind = new();

    public string Name => _kind.Name;
    public StudyKindHelp Help => _kind.Help;
    public IStudyMethod Read(StudySection method, StudyContext study) => _kind.Read(method, study with { ShardBytes = 4 << 20 });
}
