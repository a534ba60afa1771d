using System.Runtime.Serialization;
using System.Text;
using System.Text.Json;
using Akka.Actor;
using Akka.Configuration;
using InterpActors.Messages.Cluster;
using InterpActors.Messages.Serialization;

namespace InterpActors.Messages.Tests.Serialization;

/// <summary>What is in a journal today must be readable for ever: one committed file per manifest.</summary>
public class WireFormatTests
{
    public static TheoryData<string> Manifests => [.. WireFormat.Manifests];

    [Fact]
    public void Every_wire_message_has_a_manifest_and_a_sample()
    {
        var types = typeof(IWireMessage).Assembly.GetTypes().Where(t => !t.IsAbstract && typeof(IWireMessage).IsAssignableFrom(t));
        Assert.Equal(types.Select(WireFormat.ManifestOf).Order(), WireFormat.Manifests.Order());
        Assert.Equal(WireFormat.Manifests.Order(), WireSamples.All.Select(m => WireFormat.ManifestOf(m.GetType())).Order());
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void The_golden_file_of_a_manifest_is_still_read_and_written_alike(string manifest)
    {
        var sample = WireSamples.All.Single(m => WireFormat.ManifestOf(m.GetType()) == manifest);
        var golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", manifest + ".json")).Trim();
        Assert.Equal(golden, Encoding.UTF8.GetString(WireFormat.Write(sample)));
        Assert.Equal(golden, Encoding.UTF8.GetString(WireFormat.Write(WireFormat.Read(Encoding.UTF8.GetBytes(golden), manifest))));
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void A_field_that_a_later_version_adds_is_ignored(string manifest)
    {
        var sample = WireSamples.All.Single(m => WireFormat.ManifestOf(m.GetType()) == manifest);
        var json = Encoding.UTF8.GetString(WireFormat.Write(sample));
        var later = json.Length == 2 ? "{\"laterField\":1}" : "{\"laterField\":{\"x\":[1]}," + json[1..];
        Assert.Equal(json, Encoding.UTF8.GetString(WireFormat.Write(WireFormat.Read(Encoding.UTF8.GetBytes(later), manifest))));
    }

    [Fact]
    public void An_unknown_manifest_and_foreign_bytes_are_refused_in_words()
    {
        Assert.Contains("newer version", Assert.Throws<SerializationException>(() => WireFormat.Read("{}"u8, "e-unit.99")).Message);
        Assert.Throws<SerializationException>(() => WireFormat.Read("{\"study\":\"../../etc\"}"u8, "c-pause.1"));
        Assert.Throws<SerializationException>(() => WireFormat.Read([0x80, 0x01], "e-unit.1"));
    }

    [Fact]
    public async Task Akka_finds_our_serializer_for_every_wire_message()
    {
        var hocon = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "serialization.conf"));
        using var system = ActorSystem.Create("wire", ConfigurationFactory.ParseString(hocon + "\nakka.stdout-loglevel = OFF"));
        foreach (var sample in WireSamples.All)
        {
            var serializer = Assert.IsType<WireSerializer>(system.Serialization.FindSerializerFor(sample));
            Assert.Equal(WireSerializer.Id, serializer.Identifier);
            var back = system.Serialization.Deserialize(serializer.ToBinary(sample), serializer.Identifier, serializer.Manifest(sample));
            Assert.IsType(sample.GetType(), back);
        }
        await system.Terminate();
    }

    [Fact]
    public async Task Nothing_that_names_its_own_type_is_written_or_read()
    {
        var hocon = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "serialization.conf"));
        using var system = ActorSystem.Create("wire", ConfigurationFactory.ParseString(hocon + "\nakka.stdout-loglevel = OFF"));
        Assert.Throws<SerializationException>(() => system.Serialization.FindSerializerFor(new UriBuilder()));
        Assert.Throws<SerializationException>(() => system.Serialization.FindSerializerFor(new object()).ToBinary(new object()));
        var json = Encoding.UTF8.GetBytes("{\"$type\":\"System.UriBuilder, System\",\"Host\":\"x\"}");
        foreach (var id in new[] { 1, 2, 3, RefusingSerializer.Id })
            Assert.Throws<SerializationException>(() => system.Serialization.Deserialize(json, id, "System.UriBuilder, System"));
        await system.Terminate();
    }

    [Fact]
    public void Numbers_that_are_not_finite_survive()
    {
        var json = """{"ordinal":0,"attempt":1,"process":"p","payload":"","preview":{"label":"x","score":"NaN"}}"""u8;
        var read = (UnitCompleted)WireFormat.Read(json, "e-unit.1");
        Assert.True(double.IsNaN(read.Preview!.Score));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<double>("\"NaN\""));
    }
}
