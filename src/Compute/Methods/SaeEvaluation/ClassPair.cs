using InterpActors.Compute.Dictionaries.Evaluation;

namespace InterpActors.Compute.Methods.SaeEvaluation;

/// <summary>Some texts of each of some classes.</summary>
internal sealed record ChosenTexts(IReadOnlyList<(string Class, IReadOnlyList<int> Texts)> Of)
{
    public int Count => Of.Sum(o => o.Texts.Count);
}

/// <summary>A class with its probe, and which texts it is told apart from.</summary>
/// <param name="Train">Texts that are not of the class, for training.</param>
/// <param name="Test">The same for testing.</param>
internal sealed record ClassPair(string Name, LogisticProbe Probe, ChosenTexts Train, ChosenTexts Test);
