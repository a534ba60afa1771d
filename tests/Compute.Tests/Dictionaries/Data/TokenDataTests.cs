using System.Text;
using InterpActors.Compute.Dictionaries.Data;
using InterpActors.Compute.Tests.Models;
using InterpActors.Compute.Weights;
using InterpActors.Messages.Studies;
using Parquet.Serialization;
using static TorchSharp.torch;

namespace InterpActors.Compute.Tests.Dictionaries.Data;

public sealed class TokenDataTests : IDisposable
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 22).Select(i => i * 3 % 41)];
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Flat_files_are_cut_at_the_context()
    {
        _folder.Write("a.bin", Bytes(Ids, 2));
        _folder.Write("b.bin", Bytes(Ids, 4));
        _folder.Write("c.npy", NumPy("<i8", "(22,)", Bytes(Ids, 8)));
        Assert.Equal([Ids[..8], Ids[8..16]], Rows("kind = tokens, file = a.bin, context = 8"));
        Assert.Equal([Ids[..8], Ids[8..16]], Rows("kind = tokens, file = b.bin, ids = u32, context = 8"));
        Assert.Equal([Ids[..8], Ids[8..16]], Rows("kind = tokens, file = c.npy, context = 8"));
        Assert.Equal([Ids], Rows("kind = tokens, file = a.bin, context = 48"));
    }

    [Fact]
    public void Rows_stay_rows_and_long_ones_are_cut()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(_folder.At("t.safetensors"), [("x", tensor(Ids).view(2, 11)), ("y", ones(3))]);
        _folder.Write("t.npy", NumPy("|u1", "(2, 11)", Bytes(Ids, 1)));
        Assert.Equal([Ids[..11], Ids[11..]], Rows("kind = tokens, file = t.safetensors, tensor = x"));
        Assert.Equal([Ids[..8], Ids[8..11], Ids[11..19], Ids[19..]], Rows("kind = tokens, file = t.safetensors, tensor = x, context = 8"));
        Assert.Equal([Ids[..11], Ids[11..]], Rows("kind = model, tokens = t.npy, hook = x"));
    }

    [Fact]
    public async Task Texts_and_lists_of_ids_are_read()
    {
        _folder.Write("p.jsonl", "{\"tokens\":[1,2,3]}\n\n{\"tokens\":[4,5,6,7,8]}\n");
        Assert.Equal([[1, 2, 3], [4, 5, 6, 7], [8]], Rows("kind = tokens, file = p.jsonl, context = 4"));

        await using (var stream = File.Create(_folder.At("p.parquet")))
            await ParquetSerializer.SerializeAsync<Row>([new() { input_ids = [1, 2, 3] }, new() { input_ids = [] },
                new() { input_ids = [4, 5] }], stream);
        Assert.Equal([[1, 2, 3], [4, 5]], Rows("kind = tokens, file = p.parquet, context = 4"));
    }

    [Fact]
    public void Bad_files_say_what_and_where()
    {
        _folder.Write("far.bin", Bytes([1, 2, 40, 41], 2));
        _folder.Write("odd.bin", new byte[7]);
        _folder.Write("empty.bin", []);
        _folder.Write("float.npy", NumPy("<f4", "(2,)", new byte[8]));
        _folder.Write("cut.npy", NumPy("<i4", "(9,)", new byte[8]));
        _folder.Write("far.jsonl", "{\"tokens\":[1]}\n{\"tokens\":[1,77]}\n");
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(_folder.At("f.safetensors"), [("x", ones(3))]);

        Says("file = far.bin", "far.bin", "token id 41 at position 3");
        Says("file = odd.bin", "odd.bin", "7 bytes");
        Says("file = empty.bin", "empty.bin", "no tokens");
        Says("file = float.npy", "float.npy", "<f4");
        Says("file = cut.npy", "cut.npy", "(9,)");
        Says("file = far.jsonl", "far.jsonl:2", "token id 77 at position 1");
        Says("file = f.safetensors", "f.safetensors", "F32");
        Says("file = f.safetensors, tensor = y", "f.safetensors", "no tensor 'y'");
        Says("file = none.bin", "none.bin", "cannot be read");
        Says("file = a.csv", "a.csv");
    }

    [Fact]
    public void Conversations_stand_alone_in_the_order_of_their_length()
    {
        Chats([1, 2, 3, 4, 5], [6, 7], [8, 9, 10]);
        using var data = Read("kind = chat, file = chat.jsonl, context = 4, special_tokens = [2]");

        Assert.Equal([[6, 7], [8, 9, 10], [1, 2, 3, 4]], data.Sequences.All().Select(s => s.Tokens));
        Assert.Equal([1, 2, 0], data.Sequences.All().Select(s => s.Conversations[0]));
        Assert.Equal([2], data.Special);
        Assert.Equal(8, data.PerBatch);
    }

    [Fact]
    public void Blocks_join_conversations()
    {
        Chats([1, 2, 3], [6, 7]);
        using var data = Read("kind = chat, file = chat.jsonl, context = 3, packing = blocks, end_of_sequence = 40");

        Assert.Equal([[1, 2, 3], [40, 6, 7]], data.Sequences.All().Select(s => s.Tokens));
        Assert.Equal([0, 1, 1], data.Sequences[1].Conversations);
        Assert.Equal([3, 0, 1], data.Sequences[1].Positions);
        Says("kind = chat, file = chat.jsonl, packing = blocks", "end-of-sequence");
    }

    [Fact]
    public void Excluded_tokens_and_first_positions_are_left_out()
    {
        Chats([1, 2, 3, 2]);
        using var data = Read("kind = chat, file = chat.jsonl, exclude_tokens = [2], exclude_first = 1");

        Assert.Equal([2], data.Kept.Of(data.Sequences[0]));
        Says("kind = chat, file = chat.jsonl, exclude_tokens = [41]", "41");
        Says("kind = chat, file = chat.jsonl, exclude_tokens = [bos]", "no tokenizer");
        Says("kind = chat, file = chat.jsonl, exclude_tokens = [last]", "'last'");
    }

    private sealed class Row
    {
        public List<int>? input_ids { get; set; }
    }

    private void Chats(params int[][] conversations) =>
        _folder.Write("chat.jsonl", string.Concat(conversations.Select(c => $"{{\"tokens\":[{string.Join(',', c)}]}}\n")));

    private int[][] Rows(string section)
    {
        using var data = Read(section);
        return [.. data.Sequences.All().Select(s => s.Tokens)];
    }

    private TokenData Read(string section)
    {
        var read = DataFolder.Section(section.Contains("kind") ? section : "kind = tokens, " + section);
        return TokenData.Read(read, read.Text("kind"), _folder.Study(RandomModels.Gpt));
    }

    private void Says(string section, params string[] parts)
    {
        var message = Assert.Throws<StudyException>(() => Read(section)).Message;
        foreach (var part in parts) Assert.Contains(part, message);
    }

    private static byte[] Bytes(int[] ids, int size) => [.. ids.SelectMany(i => BitConverter.GetBytes((long)i).Take(size))];

    private static byte[] NumPy(string type, string shape, byte[] data)
    {
        var header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
        return [0x93, .. Encoding.ASCII.GetBytes("NUMPY"), 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. data];
    }
}

internal static class Sequences
{
    public static IEnumerable<TokenSequence> All(this TokenSequences sequences)
    {
        for (long i = 0; i < sequences.Count; i++) yield return sequences[i];
    }
}
