using System.Text;
using InterpActors.Compute.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;

namespace InterpActors.Compute.Tests.Weights;

public sealed class GgufFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gguf-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Writes a file from raw fields, right or wrong.</summary>
    private sealed class Raw
    {
        private readonly MemoryStream _bytes = new();

        public Raw(uint version = 3, ulong tensors = 0, ulong keys = 0) => Put("GGUF"u8.ToArray()).Put(version).Put(tensors).Put(keys);

        public Raw Put(object value)
        {
            _bytes.Write(value switch
            {
                byte v => [v],
                byte[] v => v,
                uint v => BitConverter.GetBytes(v),
                int v => BitConverter.GetBytes(v),
                ulong v => BitConverter.GetBytes(v),
                long v => BitConverter.GetBytes(v),
                float v => BitConverter.GetBytes(v),
                double v => BitConverter.GetBytes(v),
                string v => [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(v)), .. Encoding.UTF8.GetBytes(v)],
                _ => throw new ArgumentException(value.ToString()),
            });
            return this;
        }

        public Raw Tensor(string name, ulong[] sizes, uint type, ulong offset)
        {
            Put(name).Put((uint)sizes.Length);
            foreach (var size in sizes) Put(size);
            return Put(type).Put(offset);
        }

        public Raw Data(int bytes)
        {
            while (_bytes.Length % 32 != 0) _bytes.WriteByte(0);
            return Put(new byte[bytes]);
        }

        public byte[] Bytes => _bytes.ToArray();
    }

    private string Write(byte[] bytes)
    {
        var path = Path.Combine(_folder, "t.gguf");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private void Refused(Raw raw, string message)
    {
        var path = Write(raw.Bytes);
        var error = Assert.Throws<StudyException>(() => GgufFile.Open(path).Dispose());
        Assert.Contains(message, error.Message);
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    public void Reads_metadata_of_every_type(uint version)
    {
        var raw = new Raw(version, 0, 15)
            .Put("u8").Put(0u).Put((byte)200).Put("i8").Put(1u).Put((byte)200).Put("u16").Put(2u).Put(new byte[] { 1, 255 }).Put("i16")
                .Put(3u).Put(new byte[] { 1, 255 })
            .Put("u32").Put(4u).Put(4000000000u).Put("i32").Put(5u).Put(-5).Put("f32").Put(6u).Put(0.1f).Put("bool").Put(7u).Put((byte)1)
                .Put("text").Put(8u).Put("äπ😀")
            .Put("u64").Put(10u).Put(ulong.MaxValue).Put("i64").Put(11u).Put(-7L).Put("f64").Put(12u).Put(0.1)
            .Put("texts").Put(9u).Put(8u).Put(3UL).Put("a").Put("").Put("▁b")
            .Put("ints").Put(9u).Put(5u).Put(2UL).Put(1).Put(-1)
            .Put("nested").Put(9u).Put(9u).Put(1UL).Put(8u).Put(1UL).Put("x");
        using var file = GgufFile.Open(Write(raw.Bytes));
        var m = file.Metadata;
        Assert.Equal(version, file.Version);
        Assert.Equal([(byte)200, (sbyte)-56, (ushort)65281, (short)-255, 4000000000u, -5, 0.1f, true, "äπ😀", ulong.MaxValue, -7L, 0.1],
            new[] { "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "text", "u64", "i64", "f64" }.Select(k => m[k]));
        Assert.Equal(["a", "", "▁b"], m.Texts("texts")!);
        Assert.Same(m.Texts("texts"), m["texts"]);
        Assert.Equal([1L, -1L], m.Integers("ints")!);
        Assert.Equal(["x"], Assert.IsType<string[]>(Assert.IsType<object[]>(m["nested"])[0]));
        Assert.Equal((4000000000L, -56L, null), (m.Integer("u32"), m.Integer("i8"), m.Integer("none")));
        Assert.Equal((0.1f, 200.0, true, "äπ😀"), (m.Number("f32"), m.Number("u8"), m.Flag("bool"), m.Text("text")));
        Assert.Contains("'text' must hold an integer", Assert.Throws<StudyException>(() => m.Integer("text")).Message);
        Assert.Contains("'u64' must hold an integer", Assert.Throws<StudyException>(() => m.Integer("u64")).Message);
        Assert.Contains("'ints' must hold an array of texts", Assert.Throws<StudyException>(() => m.Texts("ints")).Message);
        Assert.Contains("'none' is missing", Assert.Throws<StudyException>(() => m["none"]).Message);
    }

    [Fact]
    public void Shapes_are_outermost_first_and_rows_come_from_their_place()
    {
        var raw = new Raw(3, 2).Tensor("b", [3, 2], 0, 32).Tensor("a", [1], 0, 0).Data(0).Put(5f).Put(new byte[28]);
        for (var i = 0; i < 6; i++) raw.Put((float)i);
        using var file = GgufFile.Open(Write(raw.Put(new byte[8]).Bytes));
        var tensor = file.Tensors["b"];
        Assert.Equal([2, 3], tensor.Shape);
        var row = new double[3];
        tensor.ReadRows(1, 1, row);
        Assert.Equal([3, 4, 5], row);
    }

    [Fact]
    public void Refuses_what_is_damaged()
    {
        Refused(new Raw(1), "GGUF version 1 is not supported; versions 2 and 3 are");
        Refused(new Raw(0x03000000), "big-endian");
        Refused(new Raw(3, ulong.MaxValue), "it announces 18446744073709551615 tensors, but the file has only 24 bytes");
        Refused(new Raw(3, 0, 1UL << 40), "it announces 1099511627776 keys");
        Refused(new Raw(3, 0, 1).Put(1UL << 62).Put(0UL), "bytes of a key");
        Refused(new Raw(3, 0, 1).Put("k").Put(8u).Put(1UL << 62), "bytes of the key 'k'");
        Refused(new Raw(3, 0, 1).Put("k").Put(9u).Put(4u).Put(1UL << 61), "elements of the key 'k'");
        Refused(new Raw(3, 0, 1).Put("k").Put(9u).Put(8u).Put(1UL << 61), "texts of the key 'k'");
        Refused(new Raw(3, 0, 1).Put("k").Put(13u).Put(0UL), "the unknown value type 13");
        Refused(new Raw(3, 0, 1).Put("k").Put(9u).Put(77u).Put(0UL), "an array of the unknown type 77");
        Refused(new Raw(3, 0, 1).Put("k").Put(7u).Put((byte)2), "'k' holds 2 where only 0 or 1 can stand");
        Refused(new Raw(3, 0, 2).Put("k").Put(0u).Put((byte)2).Put("k").Put(0u).Put((byte)2), "'k' stands in the file twice");
        var deep = new Raw(3, 0, 1).Put("k").Put(9u);
        for (var i = 0; i < 40; i++) deep.Put(9u).Put(1UL);
        Refused(deep, "more than 4 deep");
        Refused(new Raw(3, 0, 1).Put("general.alignment").Put(4u).Put(24u), "general.alignment is 24; it must be a power of 2");

        Refused(new Raw(3, 1).Tensor("t", [4], 0, 0).Data(8), "tensor t: its 16 bytes at 64 end beyond the file's 72 bytes");
        Refused(new Raw(3, 1).Tensor("t", [4], 0, 1UL << 63).Data(32), "tensor t: its place in the file overflows");
        Refused(new Raw(3, 1).Tensor("t", [4], 0, 64).Data(32), "tensor t: its 16 bytes");
        Refused(new Raw(3, 1).Tensor("t", [4], 0, 4).Data(32), "tensor t: its offset 4 is not a multiple of 32");
        Refused(new Raw(3, 1).Tensor("t", [1UL << 40, 1UL << 40], 0, 0).Data(32), "tensor t: its shape overflows");
        Refused(new Raw(3, 1).Tensor("t", [0], 0, 0).Data(32), "tensor t: a dimension is 0");
        Refused(new Raw(3, 1).Tensor("t", [], 0, 0).Data(32), "it has 0 dimensions");
        Refused(new Raw(3, 1).Tensor("t", [1, 1, 1, 1, 1], 0, 0).Data(32), "it has 5 dimensions");
        Refused(new Raw(3, 1).Tensor("t", [48], 2, 0).Data(32), "rows of 48 do not divide into Q4_0 blocks of 32");
        Refused(new Raw(3, 1).Tensor("t", [32], 16, 0).Data(32), "tensor t: its type IQ2_XXS cannot be read; readable are F32, F16");
        Refused(new Raw(3, 1).Tensor("t", [32], 99, 0).Data(32), "its type number 99 cannot be read");
        Refused(new Raw(3, 2).Tensor("t", [8], 0, 0).Tensor("u", [8], 0, 0).Data(64), "tensor u: it overlaps another tensor");
        Refused(new Raw(3, 2).Tensor("t", [8], 0, 0).Tensor("t", [8], 0, 32).Data(64), "tensor t: it stands in the file twice");
        var text = Path.Combine(_folder, "text.gguf");
        File.WriteAllText(text, "not a model at all");
        Assert.Contains("not a GGUF file", Assert.Throws<StudyException>(() => GgufFile.Open(text)).Message);
    }

    [Fact]
    public void Refuses_a_file_cut_at_any_byte_of_its_head_and_anywhere_in_its_data()
    {
        var bytes = File.ReadAllBytes(TestData.Path("models/llama3.Q4_1.gguf"));
        const int head = 10_000;
        var path = Path.Combine(_folder, "cut.gguf");
        File.WriteAllBytes(path, bytes);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        foreach (var length in Enumerable.Range(0, bytes.Length).Reverse()
            .Where(n => n < head ? n % 3 == 0 : n % 499 == 0 || n >= bytes.Length - 40))
        {
            stream.SetLength(length);
            var error = Assert.Throws<StudyException>(() => GgufFile.Open(path).Dispose());
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void Refuses_architectures_and_options_that_cannot_be_run()
    {
        void Edit(string from, string to, string message)
        {
            var bytes = File.ReadAllBytes(TestData.Path("models/llama3.Q4_1.gguf"));
            var at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(from));
            Encoding.UTF8.GetBytes(to).CopyTo(bytes, at);
            var path = Write(bytes);
            var error = Assert.Throws<StudyException>(() =>
                ModelLoader.LoadWeights(ModelLoader.Locate(path, "."), TorchSharp.torch.ScalarType.Float32, WeightProcessing.None));
            Assert.Contains(message, error.Message);
        }
        Edit("\u0005\0\0\0\0\0\0\0llama\u000c", "\u0005\0\0\0\0\0\0\0gemma",
            "the architecture 'gemma' is not supported in GGUF files; supported are gpt2, llama, qwen2");
        Edit("llama.block_count", "llama.bl0ck_count", "the key 'llama.block_count' is missing");
        Edit("blk.1.ffn_down.weight", "blk.1.ffn_dawn.weight", "the tensor 'blk.1.ffn_down.weight' is missing, expected shape [64, 96]");
    }
}
