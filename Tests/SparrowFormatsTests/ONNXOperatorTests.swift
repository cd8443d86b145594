import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

@Suite struct ONNXOperatorTests {
  /// What is written of an operator is read back as the same one.
  @Test(arguments: SampleGraphs.operators + SampleGraphs.varied)
  func roundTrip(_ op: Op) throws {
    let graph = try SampleGraphs.graph(of: op)
    let back = try written(graph)
    if case .split = op {
      #expect(back.text.contains("num_outputs=2"))
    } else {
      expectEqual(back, graph)
    }
  }

  @Test func keepsMetadataAndSymbols() throws {
    var graph = try SampleGraphs.graph(of: .globalPool(GlobalPool(.average)))
    graph.metadata = [MetadataEntry(key: "classes", value: "cat, dog")]
    let back = try written(graph)
    #expect(back.metadata.contains(MetadataEntry(key: "classes", value: "cat, dog")))
    #expect(back.metadata.contains(MetadataEntry(key: "onnx.producer", value: "sparrow")))
    #expect(back[back.inputs[0]].type?.dimensions?[0] == .symbol("n"))
    // Entries that describe the file are not written again as the model's own.
    #expect(try written(back).metadata == back.metadata)
  }

  @Test func writesTheSameBytesTwice() throws {
    let graph = try ONNX.read(Fixtures.path("digits-cnn.onnx"))
    #expect(try bytes(of: graph) == bytes(of: graph))
  }

  @Test func writesSparseWeightsDense() throws {
    var graph = try SampleGraphs.graph(of: .matMul(MatMul()))
    let id = try #require(graph.nodes[0].input(1))
    let dense = try #require(graph[id].constant)
    let bytes = try #require(dense.denseBytes)
    let rows = try #require(
      CompressedRows(encoding: bytes, dtype: dense.dtype, shape: dense.shape))
    graph[id].constant = Tensor(
      dtype: dense.dtype, shape: dense.shape, storage: .compressedRows(rows))
    let back = try written(graph)
    #expect(back.values.contains { $0.constant?.denseBytes == bytes })
  }

  @Test func leavesNothingBehindWhenItCannotWrite() throws {
    let graph = try SampleGraphs.graph(of: .matMul(MatMul()))
    #expect(throws: FormatError.self) { try ONNX.write(graph, to: "/no/such/folder/m.onnx") }
  }
}

/// The graph after a trip through a file.
func written(_ graph: Graph) throws -> Graph {
  try TemporaryFolder.use { folder in
    try ONNX.write(graph, to: folder + "/m.onnx")
    return try ONNX.read(folder + "/m.onnx")
  }
}

func bytes(of graph: Graph) throws -> [UInt8] {
  try TemporaryFolder.use { folder in
    try ONNX.write(graph, to: folder + "/m.onnx")
    return Bytes(try Region(mapping: folder + "/m.onnx")).array(of: UInt8.self)
  }
}
