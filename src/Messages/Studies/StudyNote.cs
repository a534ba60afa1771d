namespace InterpActors.Messages.Studies;

/// <summary>Something that happened to a study, for people who look what went on.</summary>
/// <param name="Number">Its place in the study's journal.</param>
public sealed record StudyNote(long Number, DateTimeOffset At, string Text);
