import SparrowCore
import SparrowFormats
import Testing

@Suite struct ONNXRealModelTests {
  @Test(
    .enabled(if: !RealModels.paths.isEmpty, "no models: set SPARROW_SHARED"),
    arguments: RealModels.paths)
  func readsRealModel(_ path: String) throws {
    let graph = try ONNX.read(path)
    print(path, graph.nodes.count, "nodes", graph.values.count, "values",graph.outputs.map { graph[$0].type?.text ?? "?" })
  }
}
