using InterpActors.Bench;

return Benchmarks.Run(args);
