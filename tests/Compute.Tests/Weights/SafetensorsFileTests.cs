using System.Buffers.Binary;
using System.Text;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using TorchSharp;

namespace InterpActors.Compute.Tests.Weights;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string WriteRaw(string header, int dataBytes, ulong? announced = null)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, announced ?? (ulong)json.Length);
        json.CopyTo(bytes, 8);
        var path = Path.Combine(_folder, "t.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    [Fact]
    public void Writes_and_reads_back_every_type_shape_and_layout()
    {
        using var scope = torch.NewDisposeScope();
        var tensors = new (string Name, torch.Tensor Tensor)[]
        {
            ("b/f64", torch.randn(3, 5, dtype: torch.float64)),
            ("f32", torch.randn(7)),
            ("transposed", torch.randn(4, 6).t()),
            ("f16", torch.randn(2, 3).to(torch.float16)),
            ("bf16", torch.randn(3, 3).to(torch.bfloat16)),
            ("i64", torch.tensor(new[] { long.MinValue, 0, long.MaxValue })),
            ("i32", torch.arange(5, dtype: torch.int32)),
            ("i16", torch.arange(3, dtype: torch.int16)),
            ("i8", torch.tensor(new sbyte[] { -128, 127 })),
            ("u8", torch.tensor(new byte[] { 0, 255, 3 })),
            ("bool", torch.tensor(new[] { true, false, true })),
            ("scalar", torch.tensor(2.5f)),
            ("empty", torch.empty(0, 4)),
        };
        var path = Path.Combine(_folder, "all.safetensors");
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["made by"] = "a \"test\"" });

        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("a \"test\"", file.Metadata["made by"]);
        Assert.Equal(tensors.Select(t => t.Name).Order(), file.Names.Order());
        foreach (var (name, tensor) in tensors)
        {
            var read = file.Read(name);
            Assert.Equal(tensor.dtype, read.dtype);
            Assert.Equal(tensor.shape, read.shape);
            Assert.True(tensor.NumberOfElements == 0 || tensor.Equals(read), name);
        }
        Assert.Empty(Directory.GetFiles(_folder, "*.tmp"));
    }

    [Fact]
    public void Unsigned_types_that_torch_lacks_are_read_into_wider_ones()
    {
        const string header = """{"a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},"b":"""
            + """{"dtype":"U32","shape":[1],"data_offsets":[8,12]},"c":{"dtype":"U16","shape":[2],"data_offsets":[12,16]}}""";
        var path = WriteRaw(header, 16);
        var bytes = File.ReadAllBytes(path);
        bytes.AsSpan(bytes.Length - 8).Fill(0xff);
        File.WriteAllBytes(path, bytes);
        using var scope = torch.NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(0, file.Read("a").item<long>());
        Assert.Equal(uint.MaxValue, file.Read("b").item<long>());
        Assert.Equal([65535, 65535], file.Read("c").data<int>().ToArray());
    }

    [Fact]
    public void Rows_are_the_exact_values_in_both_run_types()
    {
        using var scope = torch.NewDisposeScope();
        foreach (var type in new[] { torch.ScalarType.Float64, torch.ScalarType.Float32, torch.ScalarType.Float16,
            torch.ScalarType.BFloat16, torch.ScalarType.Int32 })
        {
            var tensor = (torch.randn(6, 19, dtype: torch.float64) * 100).to_type(type);
            var path = Path.Combine(_folder, $"{type}.safetensors");
            SafetensorsWriter.Write(path, [("w", tensor)]);
            using var file = SafetensorsFile.Open(path);
            var doubles = new double[3 * 19];
            file.Tensors["w"].ReadRows(2, 3, doubles);
            Assert.Equal(tensor.narrow(0, 2, 3).to(torch.float64).contiguous().data<double>().ToArray(), doubles);
            var floats = new float[3 * 19];
            file.Tensors["w"].ReadRows(2, 3, floats);
            Assert.Equal(tensor.narrow(0, 2, 3).to(torch.float32).contiguous().data<float>().ToArray(), floats);
        }
    }

    [Theory]
    [InlineData("not JSON", "no json at all", 0, "not valid JSON")]
    [InlineData("no object", "[1]", 0, "not a JSON object")]
    [InlineData("text after the object", """{} {}""", 0, "not valid JSON")]
    [InlineData("rest", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "4 bytes at its end belong to no tensor")]
    [InlineData("out of range", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4,
        "tensor a: its data_offsets [0, 8] end beyond the 4 bytes")]
    [InlineData("far out of range", """{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 4,
        "tensor a: its data_offsets")]
    [InlineData("reversed", """{"a":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}}""", 4, "end before they begin")]
    [InlineData("overlap",
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
        "tensor b: its data_offsets [4, 12] overlap")]
    [InlineData("gap", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""",
        12, "tensor b: the bytes 4 to 8 before it belong to no tensor")]
    [InlineData("gap at the start", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor a: the bytes 0 to 4")]
    [InlineData("twice", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        8, "tensor a: it stands in the header twice")]
    [InlineData("shape", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8,
        "tensor a: shape [3] of F32 takes 12 bytes, its data_offsets give 8")]
    [InlineData("overflow", """{"a":{"dtype":"F64","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}}""", 8,
        "takes more than 2^63 bytes")]
    [InlineData("overflow to the right size",
        """{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,9],"data_offsets":[0,9]}}""", 9,
        "takes more than 2^63 bytes")]
    [InlineData("dtype", """{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", 4,
        "tensor a: its dtype 'F8_E4M3' is not known; known are F64, F32")]
    [InlineData("negative", """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4,
        "tensor a: its 'shape' holds something that is not a whole number")]
    [InlineData("fraction", """{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "tensor a: its 'shape' holds")]
    [InlineData("huge", """{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, "tensor a: its 'shape' holds")]
    [InlineData("one offset", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}""", 4, "no 'data_offsets' of two numbers")]
    [InlineData("no dtype", """{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4, "tensor a: its entry has no 'dtype'")]
    [InlineData("entry", """{"a":5}""", 0, "tensor a: its entry is not an object")]
    [InlineData("metadata", """{"__metadata__":{"a":1}}""", 0, "not a text")]
    public void Refuses_a_damaged_header(string what, string header, int dataBytes, string message)
    {
        Assert.NotEmpty(what);
        var path = WriteRaw(header, dataBytes);
        var error = Assert.Throws<StudyException>(() => SafetensorsFile.Open(path));
        Assert.Contains(message, error.Message);
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(1UL << 63)]
    [InlineData(ulong.MaxValue)]
    [InlineData(60UL)]
    public void Refuses_a_header_longer_than_the_file(ulong announced)
    {
        var error = Assert.Throws<StudyException>(() => SafetensorsFile.Open(WriteRaw("{}", 0, announced)));
        Assert.Contains($"announces a header of {announced} bytes, but has only 10", error.Message);
    }

    [Fact]
    public void Refuses_a_file_cut_at_any_byte()
    {
        using var scope = torch.NewDisposeScope();
        var whole = Path.Combine(_folder, "whole.safetensors");
        SafetensorsWriter.Write(whole, [("a", torch.randn(3)), ("b", torch.arange(5))]);
        var bytes = File.ReadAllBytes(whole);
        var cut = Path.Combine(_folder, "cut.safetensors");
        for (var length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(cut, bytes[..length]);
            Assert.Throws<StudyException>(() => SafetensorsFile.Open(cut));
        }
    }

    [Fact]
    public void Refuses_missing_files_folders_and_names()
    {
        Assert.Contains("does not exist", Assert.Throws<StudyException>(() => SafetensorsFile.Open(Path.Combine(_folder, "none"))).Message);
        Assert.Contains("this is a folder", Assert.Throws<StudyException>(() => SafetensorsFile.Open(_folder)).Message);
        using var scope = torch.NewDisposeScope();
        using var file = SafetensorsFile.Open(WriteRaw("""{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", 4));
        Assert.Empty(file.Read("a").shape);
        Assert.Contains("no tensor 'x'", Assert.Throws<StudyException>(() => file.Read("x")).Message);
    }
}
