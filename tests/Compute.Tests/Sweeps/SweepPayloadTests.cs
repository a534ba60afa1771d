using InterpActors.Compute.Sweeps;

namespace InterpActors.Compute.Tests.Sweeps;

public sealed class SweepPayloadTests
{
    private static readonly SweepPayload Sample =
        new(2, [new CellReading(7, 0.5, [1.25, double.MinValue]), new CellReading(0, 0, [-0.0, 3])], [9, 8]);

    [Fact]
    public void Bytes_come_back_as_they_were()
    {
        var read = SweepPayload.Parse(Sample.ToBytes());

        Assert.Equal(2, read.Prompts);
        Assert.Equal(7, read.Cells[0].Changed);
        Assert.Equal(0.5, read.Cells[0].Largest);
        Assert.Equal([1.25, double.MinValue], read.Cells[0].Metric);
        Assert.Equal(BitConverter.DoubleToInt64Bits(-0.0), BitConverter.DoubleToInt64Bits(read.Cells[1].Metric[0]));
        Assert.Equal([9, 8], read.Extra);
    }

    [Fact]
    public void Version_1_stays_as_it_is()
    {
        var bytes = new SweepPayload(1, [new CellReading(3, 2, [1])], []).ToBytes();

        Assert.Equal("5301010000000100000003000000000000000000000000000040000000000000F03F", Convert.ToHexString(bytes));
    }

    [Fact]
    public void A_payload_cut_anywhere_or_of_another_version_is_refused()
    {
        var bytes = Sample.ToBytes();
        for (var length = 0; length < bytes.Length - 2; length++)
            Assert.Throws<InvalidDataException>(() => SweepPayload.Parse(bytes[..length]));
        bytes[1] = 2;
        Assert.Throws<InvalidDataException>(() => SweepPayload.Parse(bytes));
    }

    [Fact]
    public void Baselines_come_back_as_they_were()
    {
        var read = BaselinePayload.Parse(new BaselinePayload(12, [1, 2], [3, 4], [true, false]).ToBytes());

        Assert.Equal(12, read.Parameters);
        Assert.Equal([1, 2], read.Clean);
        Assert.Equal([3, 4], read.Corrupted!);
        Assert.Equal([true, false], read.Right);
        Assert.Null(BaselinePayload.Parse(new BaselinePayload(12, [1], null, [true]).ToBytes()).Corrupted);
    }
}
