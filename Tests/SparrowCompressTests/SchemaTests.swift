import Foundation
import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

/// What we write has exactly the keys that Schemas/ describes.
struct SchemaTests {
  private func schema(_ name: String) throws -> [String: Any] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appending(path: "Schemas/\(name)"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func report() throws -> [String: Any] {
    var generator = SeededGenerator(seed: 3)
    let graph = try syntheticNetwork([
      .convolution(outputs: 4, inputs: 8, kernel: 3), .gemm(outputs: 8, inputs: 8),
    ]) { _, shape in randomWeights(shape, &generator) }
    let step = PruneStep(
      sparsity: 0.5, allocation: "uniform", pattern: "1x4", repair: ["bias"],
      layers: [LayerOverride(match: "w1", sparsity: 0)])
    let samples = TensorData([
      randomWeights([1, 8, 3, 3], &generator), randomWeights([1, 8], &generator),
    ])
    let result = try Compression(Recipe(prune: step)).run(
      on: graph, calibration: CalibrationRun(samples))
    let text = try result.report().json()
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// Compares an object's keys with a schema's, and goes on into what it holds.
  private func check(
    _ value: Any, _ schema: [String: Any], _ root: [String: Any], _ path: String
  ) throws {
    var (schema, root) = (schema, root)
    if let reference = schema["$ref"] as? String {
      if reference.hasPrefix("#/$defs/") {
        let defs = try #require(root["$defs"] as? [String: [String: Any]])
        schema = try #require(defs[String(reference.dropFirst("#/$defs/".count))])
      } else {
        (schema, root) = (try self.schema(reference), try self.schema(reference))
      }
    }
    if let choices = schema["anyOf"] as? [[String: Any]] {
      let isList = value is [Any]
      schema = try #require(
        choices.first { ($0["type"] as? String == "array") == isList }, "\(path)")
    }
    if let object = value as? [String: Any] {
      let properties = try #require(schema["properties"] as? [String: [String: Any]], "\(path)")
      let required = try #require(schema["required"] as? [String], "\(path)")
      #expect(Set(required).isSubset(of: object.keys), "\(path) lacks a required key")
      for (key, child) in object {
        let childSchema = try #require(properties[key], "\(path).\(key) is not in the schema")
        try check(child, childSchema, root, "\(path).\(key)")
      }
    } else if let list = value as? [Any] {
      let items = try #require(schema["items"] as? [String: Any], "\(path)")
      for (i, child) in list.enumerated() { try check(child, items, root, "\(path)[\(i)]") }
    }
  }

  @Test func reportsFollowTheSchema() throws {
    let schema = try schema("report.schema.json")
    try check(try report(), schema, schema, "report")
  }

  @Test func reportsOfCutChannelsFollowTheSchema() throws {
    var net = NetworkBuilder(seed: 1)
    let x = net.input([1, 3, 6, 6])
    let graph = try net.classifier(net.convolution(x, 8, name: "a"), 4)
    let step = PruneStep(sparsity: 0.5, pattern: "channels")
    let text = try Compression(Recipe(prune: step)).run(on: graph).report().json()
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let schema = try schema("report.schema.json")
    try check(report, schema, schema, "report")
    let channels = try #require((report["channels"] as? [[String: Any]])?.first)
    #expect(channels["group"] as? String == "a")
    #expect(channels["before"] as? Int == 8 && channels["after"] as? Int == 4)
    #expect(
      channels["entries"] as? [String]
        == ["a makes", "avgpool passes", "flatten passes", "fc reads"])
  }

  /// Every key of the schema is written by some report: none is left over.
  @Test func theSchemaHasNoOtherKeys() throws {
    let report = try report()
    let defs = try #require(try schema("report.schema.json")["$defs"] as? [String: [String: Any]])
    let layers = try #require(report["layers"] as? [[String: Any]])
    let layerKeys = Set(layers.flatMap { $0.keys })
    #expect(layerKeys == Set((defs["layer"]?["properties"] as? [String: Any])?.keys ?? [:].keys))
    let totals = try #require(report["totals"] as? [String: Any])
    #expect(
      Set(totals.keys) == Set((defs["totals"]?["properties"] as? [String: Any])?.keys ?? [:].keys))
  }

  @Test func choicesAreTheSchemas() throws {
    let defs = try #require(try schema("recipe.schema.json")["$defs"] as? [String: [String: Any]])
    let properties = try #require(defs["prune"]?["properties"] as? [String: [String: Any]])
    #expect(properties["criterion"]?["enum"] as? [String] == Choices.criteria.map { $0.name })
    #expect(properties["allocation"]?["enum"] as? [String] == Choices.allocations.map { $0.name })
    let repairs = [Choices.noRepair] + Choices.repairs.map { $0.name }
    #expect(defs["repair"]?["enum"] as? [String] == repairs)
    #expect(properties["schedule"]?["enum"] as? [String] == Choices.schedules.map { $0.name })
    let kinds = properties["exclude_kinds"]?["items"] as? [String: Any]
    #expect(kinds?["enum"] as? [String] == LayerKind.allCases.map { $0.rawValue })
  }
}
