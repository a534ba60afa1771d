using InterpActors.Compute.Studies;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Dictionaries.Data;

/// <summary>Activations of the study's model on token sequences: what a <c>data</c> section of kind model, chat or tokens names.</summary>
internal static class HarvestSource
{
    /// <param name="kind">Of the section, which is known.</param>
    /// <param name="hook">Where activations are taken if the section does not say; null: it must.</param>
    /// <exception cref="StudyException">The study has no model, or the section does not fit it.</exception>
    public static HarvestPlan Read(StudySection data, string kind, StudyContext study, string? hook)
    {
        if (study.GivenModel is not { } model)
            throw new StudyException($"data of kind {kind} needs a model", data.Place.ToString(), "add model { path = … } to the study");
        var name = hook is null || data.Has("hook") ? data.Text("hook") : hook;
        var site = HarvestSite.Of(name, model.Config, data.Where("hook"));
        return new HarvestPlan(TokenData.Read(data, kind, study), site, model, data.Number("max_norm", 0, 0));
    }
}
