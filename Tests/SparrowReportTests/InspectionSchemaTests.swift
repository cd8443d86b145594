import Foundation
import SparrowCore
import SparrowReport
import Testing

/// The JSON form of inspections has exactly the keys of Schemas/inspection.schema.json.
struct InspectionSchemaTests {
  private typealias Object = [String: Any]

  private func schema() throws -> Object {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appending(path: "Schemas/inspection.schema.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? Object)
  }

  @Test func keysAreTheSchemas() throws {
    var graph = try smallNetwork()
    // A 1x4 structure in one layer, so that every optional key appears somewhere.
    let rows = (0..<8).flatMap { row -> [Float] in
      [Float](repeating: row % 2 == 0 ? 0 : 1, count: 36)
    }
    graph[graph.weights()[0].value].constant = Tensor(rows, shape: [8, 4, 3, 3])
    var inspection = Inspection(graph, model: "small")
    inspection.add([], of: graph, samples: 3)
    let text = try inspection.json()
    let found = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? Object)
    let schema = try schema()
    let definitions = try #require(schema["$defs"] as? [String: Object])
    try expect([found], follow: schema, "inspection")
    for (key, definition) in [
      ("inputs", "port"), ("outputs", "port"), ("layers", "layer"), ("operators", "operator"),
      ("storage", "storage"),
    ] {
      let objects = try #require(found[key] as? [Object])
      try expect(objects, follow: try #require(definitions[definition]), key)
    }
    let totals = try #require(found["totals"] as? Object)
    try expect([totals], follow: try #require(definitions["totals"]), "totals")
  }

  /// All of `objects` have the required keys, and together exactly the schema's.
  private func expect(_ objects: [Object], follow schema: Object, _ place: String) throws {
    let properties = try #require(schema["properties"] as? Object)
    let required = try #require(schema["required"] as? [String])
    #expect(objects.allSatisfy { Set(required).isSubset(of: $0.keys) }, "\(place)")
    #expect(Set(objects.flatMap { $0.keys }) == Set(properties.keys), "\(place)")
  }
}
