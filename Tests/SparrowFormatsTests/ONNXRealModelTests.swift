import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

@Suite struct ONNXRealModelTests {
  @Test(
    .enabled(if: !RealModels.paths.isEmpty, "no large models: set SPARROW_SHARED"),
    arguments: RealModels.paths)
  func roundTrip(_ path: String) throws {
    try expectRoundTrip(path)
  }

  @Test(arguments: Fixtures.readable)
  func roundTripOfFixture(_ name: String) throws {
    try expectRoundTrip(Fixtures.path(name))
  }

  private func expectRoundTrip(_ path: String) throws {
    let graph = try ONNX.read(path)
    try TemporaryFolder.use { folder in
      let copy = folder + "/copy.onnx"
      try ONNX.write(graph, to: copy)
      let back = try ONNX.read(copy)
      expectEqual(back, graph)
    }
  }
}
