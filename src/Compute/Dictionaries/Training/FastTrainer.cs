using System.Numerics;
using InterpActors.Compute.Dictionaries.Architectures;
using InterpActors.Compute.Dictionaries.Kernels;
using InterpActors.Compute.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace InterpActors.Compute.Dictionaries.Training;

/// <summary>
/// Training of topk, batchtopk and standard dictionaries by kernels of our own: exact, the same formulas as the dense way, but work only
/// where codes are not 0. Bits do not depend on the number of threads.
/// </summary>
public sealed unsafe class FastTrainer<T> : IDictionaryTrainer where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly FastParameters<T> _parameters;
    private readonly BatchRows<T> _rows;
    private readonly SparsePass<T> _sparse;
    private readonly DenseStandardPass<T>? _dense;
    private readonly long[] _sinceFired, _fired;
    private readonly double _scalingFactor;
    private readonly int _threads;
    private TrainingState? _state;
    private double _density, _threshold;
    private long _step;

    /// <param name="state">Taken over.</param>
    /// <param name="threads">1 or more.</param>
    /// <exception cref="ArgumentException">The plan is not one of <see cref="DictionaryTrainers.IsFast"/>, or of another type.</exception>
    public FastTrainer(TrainingPlan plan, TrainingState state, int threads)
    {
        if (!DictionaryTrainers.IsFast(plan) || (plan.Type == ScalarType.Float64) != (typeof(T) == typeof(double)))
            throw new ArgumentException($"there are no fast kernels for {plan.Architecture.Name} in {plan.Type}", nameof(plan));
        (Plan, _threads, _scalingFactor) = (plan, threads, state.ScalingFactor);
        var (architecture, subtracts) = (plan.Architecture, plan.Architecture.SubtractsDecoderBias);
        _parameters = new FastParameters<T>(plan.Sizes, architecture
            is TopKArchitecture { RescalesByDecoderNorm: true } or BatchTopKArchitecture { RescalesByDecoderNorm: true });
        _rows = new BatchRows<T>(plan.Sizes.Input);
        _sparse = new SparsePass<T>(_parameters, _rows, subtracts, threads);
        if (architecture is StandardArchitecture) _dense = new DenseStandardPass<T>(_parameters, _rows, subtracts, threads);
        using (state)
        {
            _parameters.Load(state);
            (_step, _density) = (state.Step, state.Density);
            (_sinceFired, _fired) = (state.SinceFired.data<long>().ToArray(), state.Fired.data<long>().ToArray());
            if (architecture is BatchTopKArchitecture) _threshold = state.Weights["topk_threshold"].ToDouble();
        }
    }

    /// <inheritdoc/>
    public TrainingPlan Plan { get; }

    /// <inheritdoc/>
    public TrainingState State => _state ??= Save();

    /// <inheritdoc/>
    public StepReport Train(Tensor batch)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (architecture, step) = (Plan.Architecture, _step);
        var x = batch.to_type(Plan.Type);
        if (_scalingFactor != 1) x = x * _scalingFactor;
        x = InputFrame.Of(x, Plan.Normalisation, heads: false).Input.contiguous();
        int[] dead = [.. Enumerable.Range(0, _sinceFired.Length).Where(l => _sinceFired[l] > Plan.DeadWindow)];
        int[] revived = architecture is StandardArchitecture ? [] : dead;
        var rows = checked((int)x.shape[0]);
        _rows.Load((T*)TensorMemory.Address(x), rows, architecture.SubtractsDecoderBias ? _parameters.DecoderBias.Values.Data : null,
            revived.Length > 0, _threads);
        GC.KeepAlive(x);

        var coefficient = architecture.Coefficient(step);
        var deadWeight = DeadWeight() * Math.Min(dead.Length / (double)(Plan.Sizes.Input / 2), 1);
        FastPass<T> pass = _dense is not null && _density > DensityLimit ? _dense : _sparse;
        var result = pass == _dense ? _dense.Run(coefficient / rows) : _sparse.Run(Rule(), revived, deadWeight, coefficient / rows);
        if (result is not { } found) throw new TrainingDivergedException(step, architecture.LossTerms[0], double.NaN);
        double[] terms = [found.Error / rows, architecture is StandardArchitecture
            ? coefficient * found.Sparsity / rows
            : deadWeight * found.DeadError / rows];
        var wrong = Array.FindIndex(terms, t => !double.IsFinite(t));
        if (wrong >= 0) throw new TrainingDivergedException(step, architecture.LossTerms[wrong], terms[wrong]);

        _state?.Dispose();
        _state = null;
        Count(pass.Fired);
        if (architecture is BatchTopKArchitecture moving && found.Smallest is { } smallest) _threshold = moving.Moved(_threshold, smallest);
        Adam(pass.GradientNorm);
        _density = found.Pairs / ((double)rows * Plan.Sizes.Latents);
        _step++;
        return new StepReport(step, Plan.LearningRate.At(step), coefficient, terms.Sum(), terms, found.Pairs / (double)rows, dead.Length,
            pass.GradientNorm, architecture is BatchTopKArchitecture ? _threshold : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _state?.Dispose();
        _sparse.Dispose();
        _dense?.Dispose();
        _rows.Dispose();
        _parameters.Dispose();
    }

    /// <summary>Share of codes above which five matmuls are faster than sparse work.</summary>
    private double DensityLimit => Plan.Sizes.Latents < 8192 ? 0.2 : 0.12;

    private SelectionRule Rule() => Plan.Architecture switch
    {
        TopKArchitecture topk => new SelectionRule(topk.KAt(_step), null),
        BatchTopKArchitecture batch => new SelectionRule(null, batch.KAt(_step)),
        _ => new SelectionRule(null, null),
    };

    private double DeadWeight() => Plan.Architecture switch
    {
        TopKArchitecture topk => topk.DeadLatentWeight,
        BatchTopKArchitecture batch => batch.DeadLatentWeight,
        _ => 0,
    };

    private void Count(long[] fired)
    {
        for (var latent = 0; latent < fired.Length; latent++)
        {
            _sinceFired[latent] = fired[latent] > 0 ? 0 : _sinceFired[latent] + 1;
            _fired[latent] += fired[latent];
        }
    }

    private void Adam(double norm)
    {
        var (adam, time) = (Plan.Adam, _step + 1);
        var constants = new AdamStep<T>(T.CreateChecked(adam.Beta1), T.CreateChecked(adam.Beta2), T.CreateChecked(adam.Epsilon),
            T.CreateChecked(Math.Min(1, Plan.Clip / (norm + 1e-6))),
            T.CreateChecked(Plan.LearningRate.At(_step) / (1 - Math.Pow(adam.Beta1, time))),
            T.CreateChecked(1 / Math.Sqrt(1 - Math.Pow(adam.Beta2, time))));
        Workers.Run(_parameters.Panels, _threads, (_, panel) => _parameters.Update(panel, constants));
        _parameters.UpdateDecoderBias(constants);
    }

    private TrainingState Save()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var state = new TrainingState(Plan, new DictionaryWeights(Plan.Architecture.Parameters.Select(p =>
            (p.Name, empty(Plan.Sizes.Shape(p.Dimensions), Plan.TypeOf(p.Name))))))
        {
            Step = _step,
            ScalingFactor = _scalingFactor,
            Density = _density,
        };
        _parameters.Store(state);
        state.SinceFired.copy_(tensor(_sinceFired));
        state.Fired.copy_(tensor(_fired));
        if (Plan.Architecture is BatchTopKArchitecture) state.Weights["topk_threshold"].fill_(_threshold);
        return state;
    }
}
