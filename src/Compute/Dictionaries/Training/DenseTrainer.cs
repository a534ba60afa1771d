using InterpActors.Compute.Dictionaries.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>
/// Training by torch's automatic differentiation, every latent of every row: any architecture, and what faster ways are held against.
/// Bits depend on torch's number of threads.
/// </summary>
public sealed class DenseTrainer : IDictionaryTrainer
{
    /// <param name="state">Taken over.</param>
    public DenseTrainer(TrainingPlan plan, TrainingState state) => (Plan, State) = (plan, state);

    /// <inheritdoc/>
    public TrainingPlan Plan { get; }

    /// <inheritdoc/>
    public TrainingState State { get; }

    /// <inheritdoc/>
    public StepReport Train(Tensor batch)
    {
        using var scope = NewDisposeScope();
        using var gradientsOn = enable_grad();
        var (architecture, step) = (Plan.Architecture, State.Step);
        var (x, dead) = Begin(batch);
        using var leaves = new DictionaryWeights(State.Weights.All.Select(w => (w.Name, w.Tensor.detach())));
        var trained = Plan.Trained.Select(p => leaves[p].requires_grad_(true)).ToArray();
        var context = new StepContext(step, architecture.Coefficient(step), dead);
        var losses = architecture.Losses(leaves, x, context);
        var terms = losses.Terms.Select(t => t.ToDouble()).ToArray();
        Check(terms);
        var loss = losses.Terms.Aggregate((a, b) => a + b);
        var gradients = autograd.grad([loss], trained, allow_unused: true);
        using var gradientsOff = no_grad();
        var fired = losses.Codes.detach().ne(0);
        CountFired(fired);
        architecture.EndStep(State.Weights, losses.Codes.detach());
        var norm = Adam([.. gradients]);
        State.Step++;
        return new StepReport(step, Plan.LearningRate.At(step), context.Coefficient, terms.Sum(), terms,
            fired.sum().ToInt64() / (double)x.shape[0], dead?.numel() ?? 0, norm, Threshold());
    }

    /// <inheritdoc/>
    public void Dispose() => State.Dispose();

    private (Tensor X, Tensor? Dead) Begin(Tensor batch)
    {
        using var gradientsOff = no_grad();
        var x = batch.to_type(Plan.Type);
        if (State.ScalingFactor != 1) x = x * State.ScalingFactor;
        x = InputFrame.Of(x, Plan.Normalisation, heads: false).Input;
        Plan.Architecture.BeginStep(State.Weights);
        var dead = State.SinceFired.gt(Plan.DeadWindow).nonzero().flatten();
        return (x, dead.numel() > 0 ? dead : null);
    }

    private void Check(double[] terms)
    {
        var wrong = Array.FindIndex(terms, t => !double.IsFinite(t));
        if (wrong >= 0) throw new TrainingDivergedException(State.Step, Plan.Architecture.LossTerms[wrong], terms[wrong]);
    }

    private void CountFired(Tensor fired)
    {
        var rows = fired.sum(dim: 0);
        State.SinceFired.add_(1).mul_(rows.eq(0).to_type(ScalarType.Int64));
        State.Fired.add_(rows);
        State.Density = rows.sum().ToDouble() / fired.numel();
    }

    /// <returns>Norm of all gradients together before clipping.</returns>
    private double Adam(Tensor[] gradients)
    {
        var (adam, time) = (Plan.Adam, State.Step + 1);
        // An unused parameter has a gradient of 0; torch hands back a tensor without a handle.
        var used = Plan.Trained.Zip(gradients).Where(g => !g.Second.IsInvalid).ToList();
        var norm = Math.Sqrt(used.Sum(g => g.Second.to_type(ScalarType.Float64).square().sum().ToDouble()));
        var clip = Math.Min(1, Plan.Clip / (norm + 1e-6));
        var rate = Plan.LearningRate.At(State.Step) / (1 - Math.Pow(adam.Beta1, time));
        var correction = Math.Sqrt(1 - Math.Pow(adam.Beta2, time));
        foreach (var (name, gradient) in used)
        {
            var clipped = gradient * clip;
            var (mean, square) = (State.FirstMoments[name], State.SecondMoments[name]);
            // torch's own Adam, operation by operation: float32 parameters get its very bits.
            mean.lerp_(clipped, 1 - adam.Beta1);
            square.mul_(adam.Beta2).addcmul_(clipped, clipped, 1 - adam.Beta2);
            State.Weights[name].addcdiv_(mean, (square.sqrt() / correction).add_(adam.Epsilon), -rate);
        }
        return norm;
    }

    private double? Threshold() => Plan.Architecture switch
    {
        BatchTopKArchitecture => State.Weights["topk_threshold"].ToDouble(),
        JumpReluArchitecture => State.Weights["threshold"].to_type(ScalarType.Float64).mean().ToDouble(),
        _ => null,
    };
}
