namespace InterpActors.Compute.Dictionaries.Kernels;

/// <summary>Hands numbered items to a few threads. Items must not share what they write, so that any order gives the same bits.</summary>
internal static class Workers
{
    /// <param name="body">Called with the number of the worker, below <paramref name="threads"/>, and of the item.</param>
    public static void Run(int items, int threads, Action<int, int> body)
    {
        if (threads <= 1 || items <= 1)
        {
            for (var item = 0; item < items; item++) body(0, item);
            return;
        }
        var next = -1;
        Parallel.For(0, Math.Min(threads, items), new ParallelOptions { MaxDegreeOfParallelism = threads }, worker =>
        {
            for (var item = Interlocked.Increment(ref next); item < items; item = Interlocked.Increment(ref next)) body(worker, item);
        });
    }
}
