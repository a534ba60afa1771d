using System.Diagnostics;
using System.Globalization;
using System.Text;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;

namespace InterpActors.Compute.Tests.Weights;

/// <summary>
/// Mutated files must be read or refused with a <see cref="StudyException"/> of one line: no other exception, no hang, no large
/// allocation. <c>INTERP_FUZZ=10000</c> sets the number of mutations a reader.
/// </summary>
public sealed class ReaderFuzzTests : IDisposable
{
    private const long MostBytes = 200L << 20;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);

    private static readonly int Rounds =
        int.TryParse(Environment.GetEnvironmentVariable("INTERP_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out var rounds)
            ? rounds : 300;

    private readonly string _folder = Directory.CreateTempSubdirectory("fuzz-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Safetensors()
    {
        var seeds = new[] { File.ReadAllBytes(TestData.Path("models/qwen2-bf16/expected.safetensors")), SmallSafetensors() };
        Fuzz(seeds, "fuzz.safetensors", bytes => 8 + (int)BitConverter.ToUInt64(bytes), path =>
        {
            using var file = SafetensorsFile.Open(path);
            foreach (var name in file.Names)
            {
                using var scope = torch.NewDisposeScope();
                file.Read(name, torch.ScalarType.Float64);
            }
        });
    }

    [Fact]
    public void Gguf()
    {
        var whole = File.ReadAllBytes(TestData.Path("models/llama3.Q4_1.gguf"));
        Fuzz([whole, SmallGguf()], "fuzz.gguf", bytes => Math.Min(bytes.Length, 10_000), path =>
        {
            using (var file = GgufFile.Open(path))
            {
                foreach (var value in file.Metadata.Values) Assert.NotNull(value);
                foreach (var tensor in file.Tensors.Values)
                {
                    if (tensor.RowLength > 1 << 20) continue;
                    tensor.ReadRows(tensor.Rows - 1, 1, new float[tensor.RowLength]);
                }
            }
            using var weights = ModelLoader.LoadWeights(ModelLoader.Locate(path, "."), torch.ScalarType.Float32, WeightProcessing.Folded);
        });
    }

    [Fact]
    public void Model_folders()
    {
        File.Copy(TestData.Path("models/qwen2-bf16/model.safetensors"), Path.Combine(_folder, "model.safetensors"));
        var config = File.ReadAllBytes(TestData.Path("models/qwen2-bf16/config.new-style.json"));
        Fuzz([config], "config.json", bytes => bytes.Length, _ =>
        {
            var location = ModelLoader.Locate(_folder, ".");
            using var weights = ModelLoader.LoadWeights(location, torch.ScalarType.Float32, WeightProcessing.None);
        });
    }

    /// <summary>Mutates the seeds and reads each; fails with the mutation's number, which gives the same bytes again.</summary>
    /// <param name="head">How many bytes from the start describe the rest: most mutations go there.</param>
    private void Fuzz(byte[][] seeds, string name, Func<byte[], int> head, Action<string> read)
    {
        var path = Path.Combine(_folder, name);
        var accepted = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var random = new Random(round);
            var seed = seeds[round % seeds.Length];
            File.WriteAllBytes(path, Mutate(seed, Math.Min(head(seed), seed.Length), random));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            try
            {
                read(path);
                accepted++;
            }
            catch (StudyException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"round {round}: {e}");
            }
            Assert.True(watch.Elapsed < MostTime, $"round {round} took {watch.Elapsed}");
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MostBytes, $"round {round} allocated {allocated} bytes");
        }
        // Were everything accepted, or refused, nothing would have been tested.
        Assert.InRange(accepted, 1, Rounds - 1);
    }

    private static byte[] Mutate(byte[] seed, int head, Random random)
    {
        var bytes = seed.ToList();
        int Place() => random.Next(random.Next(10) == 0 ? bytes.Count : Math.Max(1, Math.Min(head, bytes.Count)));
        for (var edits = random.Next(1, 5); edits > 0 && bytes.Count > 8; edits--)
        {
            switch (random.Next(8))
            {
                case 0: bytes[Place()] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[Place()] = (byte)random.Next(256); break;
                case 2:
                    // A length or count field: one of the values at which arithmetic breaks.
                    var at = Math.Min(Place(), bytes.Count - 8);
                    ulong[] values =
                        [0, 1, int.MaxValue, uint.MaxValue, 1UL << 62, 1UL << 63, ulong.MaxValue, (ulong)bytes.Count,
                        (ulong)random.NextInt64()];
                    var field = BitConverter.GetBytes(values[random.Next(values.Length)]);
                    for (var i = 0; i < 8; i++) bytes[at + i] = field[i];
                    break;
                case 3: bytes = bytes[..Math.Max(1, Place())]; break;
                case 4: bytes.RemoveRange(Math.Min(Place(), bytes.Count - 4), random.Next(1, 4)); break;
                case 5: bytes.InsertRange(Place(), bytes.GetRange(Math.Min(Place(), bytes.Count - 8), random.Next(1, 8))); break;
                case 6:
                    // A digit of a JSON number.
                    var digit = Place();
                    while (digit < bytes.Count && bytes[digit] is not (>= (byte)'0' and <= (byte)'9')) digit++;
                    if (digit < bytes.Count) bytes[digit] = (byte)"0123456789-.e"[random.Next(13)];
                    break;
                default:
                    var from = Math.Min(Place(), bytes.Count - 8);
                    var run = bytes.GetRange(from, random.Next(1, Math.Min(64, bytes.Count - from)));
                    bytes.InsertRange(Place(), run);
                    break;
            }
        }
        return [.. bytes];
    }

    private byte[] SmallSafetensors()
    {
        using var scope = torch.NewDisposeScope();
        var path = Path.Combine(_folder, "seed.safetensors");
        SafetensorsWriter.Write(path,
            [("a", torch.randn(3, 4)), ("b", torch.arange(5)), ("c", torch.ones(2, dtype: torch.bfloat16)), ("d", torch.tensor(1.0))],
            new Dictionary<string, string> { ["format"] = "pt" });
        return File.ReadAllBytes(path);
    }

    /// <summary>Two keys and a tensor: every byte of it matters.</summary>
    private static byte[] SmallGguf()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        void Text(string text)
        {
            writer.Write((ulong)text.Length);
            writer.Write(Encoding.UTF8.GetBytes(text));
        }
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(1UL);
        writer.Write(2UL);
        Text("general.architecture");
        writer.Write(8u);
        Text("gpt2");
        Text("tokens");
        writer.Write(9u);
        writer.Write(8u);
        writer.Write(2UL);
        Text("a");
        Text("b");
        Text("w");
        writer.Write(2u);
        writer.Write(64UL);
        writer.Write(2UL);
        writer.Write(8u);
        writer.Write(0UL);
        while (stream.Length % 32 != 0) writer.Write((byte)0);
        writer.Write(new byte[160]);
        return stream.ToArray();
    }
}
