using InterpActors.Compute.Statistics;
using InterpActors.Compute.Studies;

namespace InterpActors.Compute.Tests.Studies;

public sealed class UnitOrderTests
{
    [Theory]
    [InlineData("interventions/tr-llama-ioi/patch-mixed-role.conf")]
    [InlineData("interventions/tr-gpt2-ioi/ablate-mean-by-group.conf")]
    [InlineData("interventions/tr-gpt2-ioi/head-metrics.conf")]
    public void Payloads_do_not_depend_on_order_or_on_who_computes_them(string file)
    {
        var study = StudyRuns.Compile(file);
        using var inOrder = new StudyEngine(StudyKinds.All, ownSessions: true);
        var plan = inOrder.Plan(study);
        var expected = StudyRuns.Payloads(inOrder, plan);
        Assert.True(plan.UnitCount > 3);

        using var shuffled = new StudyEngine(StudyKinds.All, ownSessions: true);
        var random = new SeededRandom(1);
        var order = StudyRuns.Ordinals(plan).OrderBy(_ => random.NextBits()).ToArray();
        var actual = new byte[plan.UnitCount][];
        Parallel.ForEach(order, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            o => actual[o] = shuffled.Run(study, shuffled.Plan(study)[o], StudyRuns.Context).Payload);

        for (var o = 0; o < expected.Length; o++) Assert.Equal(expected[o], actual[o]);
    }

    [Fact]
    public void A_study_opened_from_its_canonical_form_is_the_same_study()
    {
        var study = StudyRuns.Compile("interventions/tr-gpt2-ioi/patch-kl-heads.conf");

        var again = StudyRuns.CompileText(study.Canonical, study.Folder);

        Assert.Equal(study.Canonical, again.Canonical);
        Assert.Equal(study.Id, again.Id);
    }
}
