using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.RegularExpressions;
using InterpActors.Messages.Studies;
using Microsoft.AspNetCore.Http;

namespace InterpActors.Host.Web;

/// <summary>The API's description (OpenAPI 3.1), made from the routes themselves and from the types they read and write.</summary>
internal static partial class OpenApi
{
    /// <summary>The route of the description of <paramref name="others"/> and itself.</summary>
    public static ApiRoute Route(IReadOnlyList<ApiRoute> others)
    {
        var text = new Lazy<string>(() => Describe([.. others, Bare]).ToJsonString());
        return Bare with
        {
            Handle = http =>
            {
                http.Response.ContentType = Bare.Media;
                return http.Response.WriteAsync(text.Value, http.RequestAborted);
            },
        };
    }

    private static ApiRoute Bare =>
        ApiRoute.Raw("/openapi.json", "This description", "application/json", _ => Task.CompletedTask) with { Open = true };

    private static JsonObject Describe(IReadOnlyList<ApiRoute> routes)
    {
        var schemas = new JsonObject();
        foreach (var type in routes.SelectMany(r => new[] { r.Body, r.Answer }).Append(typeof(Refusal)).OfType<Type>().Distinct())
            schemas[type.Name] = Schema(type);
        var paths = new JsonObject();
        foreach (var group in routes.GroupBy(r => r.Pattern.Replace("{**", "{", StringComparison.Ordinal)))
        {
            var operations = new JsonObject();
            foreach (var route in group) operations[route.Method.ToLowerInvariant()] = Operation(route, group.Key);
            paths[group.Key] = operations;
        }
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "InterpActors coordinator",
                ["version"] = typeof(OpenApi).Assembly.GetName().Version!.ToString(3),
                ["description"] = "Studies of a cluster. All but the page and this need the coordinator's token, if it has one.",
            },
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = schemas,
                ["securitySchemes"] = new JsonObject { ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" } },
            },
        };
    }

    private static JsonObject Operation(ApiRoute route, string path)
    {
        var operation = new JsonObject
        {
            ["summary"] = route.Summary,
            ["parameters"] = new JsonArray([.. Parameter().Matches(path).Select(m => new JsonObject
            {
                ["name"] = m.Groups[1].Value,
                ["in"] = "path",
                ["required"] = true,
                ["schema"] = new JsonObject { ["type"] = "string" },
            }).Concat(route.Query.Select(q => new JsonObject
            {
                ["name"] = q.Name,
                ["in"] = "query",
                ["description"] = q.Meaning,
                ["schema"] = new JsonObject { ["type"] = "string" },
            }))]),
            ["responses"] = new JsonObject
            {
                ["200"] = Content("As asked", route.Media, route.Answer),
                ["default"] = Content(
                    "Why not: 400 wrong input, 401 token, 403 origin, 404 unknown, 409 not now, 413 too large, 422 wrong bytes, "
                        + "429 too many, 503 no answer, 507 no room",
                    "application/json", typeof(Refusal)),
            },
            ["security"] = route.Open ? new JsonArray() : new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
        };
        if (route.Body is not null || route.BodyMedia is not null)
        {
            var body = Content("", route.BodyMedia ?? "application/json", route.Body);
            body.Remove("description");
            body["required"] = true;
            operation["requestBody"] = body;
        }
        return operation;
    }

    private static JsonObject Content(string description, string media, Type? type) => new()
    {
        ["description"] = description,
        ["content"] = new JsonObject
        {
            [media] = new JsonObject
            {
                ["schema"] = type is null ? new JsonObject { ["type"] = "string" }
                    : new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" },
            },
        },
    };

    private static JsonNode Schema(Type type)
    {
        var schema = ApiJson.Default.Options.GetJsonSchemaAsNode(type, new JsonSchemaExporterOptions
        {
            TransformSchemaNode = (context, node) =>
                context.TypeInfo.Type == typeof(StudyId) || context.TypeInfo.Type == typeof(RunState)
                    ? new JsonObject { ["type"] = "string" } : node,
        });
        Rebase(schema, type.Name);
        return schema;
    }

    /// <summary>References are made for a schema that stands alone; here it is a part of a larger document.</summary>
    private static void Rebase(JsonNode? node, string name)
    {
        switch (node)
        {
            case JsonObject o:
                if (o["$ref"] is JsonValue reference && reference.TryGetValue<string>(out var at) && at.StartsWith('#'))
                    o["$ref"] = $"#/components/schemas/{name}{at[1..]}";
                foreach (var (_, value) in o) Rebase(value, name);
                break;
            case JsonArray a:
                foreach (var item in a) Rebase(item, name);
                break;
        }
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Parameter();
}
