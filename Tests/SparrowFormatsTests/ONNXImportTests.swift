import SparrowCore
import SparrowFormats
import Testing

@Suite struct ONNXImportTests {
  private func read(_ graph: [Proto], opset: Int64 = 21) throws -> Graph {
    try ONNX.read(Bytes(.model(opset: opset, [.text(2, "g")] + graph)))
  }

  private func weight(_ message: [Proto], type: Int64 = 1) throws -> Tensor {
    let graph = try read([
      .message(5, message), .input("x", type: type, ["1"]),
      .node(
        "Concat", ["x", "w"], ["y"],
        [.attribute("axis", int: 0)]), .output("y"),
    ])
    return try #require(graph.values.compactMap { $0.constant }.first)
  }

  @Test func usesRawDataInPlace() throws {
    let region = try Region(mapping: Fixtures.path("digits-mlp.onnx"))
    let graph = try ONNX.read(Bytes(region))
    let weights = graph.weights().compactMap { graph[$0.value].constant?.denseBytes }
    #expect(weights.count == 3)
    for bytes in weights { #expect(bytes.region === region) }
  }

  @Test func packedFloatsAreUsedInPlace() throws {
    let tensor = try weight(Proto.head("w", [2]) + [.data(4, Proto.littleEndian([1, 2]))])
    #expect(tensor.floats == [1, 2])
    #expect(tensor.denseBytes.map { $0.region.count > $0.count } == true)
  }

  static let typed: [(type: Int64, field: [Proto], expected: [Int])] = [
    (6, [.packed(5, [-1, 7])], [-1, 7]),
    (6, [.int(5, -1), .int(5, 7)], [-1, 7]),
    (6, [.int(5, -1), .packed(5, [7])], [-1, 7]),
    (3, [.packed(5, [-128, 127])], [-128, 127]),
    (2, [.packed(5, [255, 1])], [255, 1]),
    (4, [.packed(5, [65_535, 1])], [65_535, 1]),
    (5, [.packed(5, [-32_768, 1])], [-32_768, 1]),
    (9, [.packed(5, [1, 0])], [1, 0]),
    (7, [.packed(7, [-1, 1 << 40])], [-1, 1 << 40]),
    (12, [.packed(11, [4_294_967_295, 1])], [4_294_967_295, 1]),
    (13, [.packed(11, [1 << 62, 1])], [1 << 62, 1]),
  ]

  @Test(arguments: typed)
  func typedIntegers(type: Int64, field: [Proto], expected: [Int]) throws {
    #expect(try weight(Proto.head("w", type: type, [2]) + field, type: type).integers == expected)
  }

  @Test func typedFloats() throws {
    let half = try weight(
      Proto.head("w", type: 10, [2]) + [.packed(5, [0x3c00, 0xc000])], type: 10)
    #expect(half.floats == [1, -2])
    let brain = try weight(Proto.head("w", type: 16, [1]) + [.packed(5, [0x3f80])], type: 16)
    #expect(brain.floats == [1])
    let unpacked = try weight(Proto.head("w", [2]) + [.float(4, 1), .float(4, 2)])
    #expect(unpacked.floats == [1, 2])
    let double = Proto.littleEndian((2.5).bitPattern)
    #expect(
      try weight(Proto.head("w", type: 11, [1]) + [.data(10, double)], type: 11).floats == [2.5])
  }

  static let constantNodes: [(Proto, [Float])] = [
    (.attribute("value_float", float: 2), [2]),
    (.attribute("value_floats", floats: [1, 2]), [1, 2]),
    (.attribute("value_int", int: 3), [3]),
    (.attribute("value_ints", ints: [4, 5]), [4, 5]),
    (.attribute("value", tensor: [.int(1, 1), .int(2, 1), .float(4, 6)]), [6]),
  ]

  @Test(arguments: constantNodes)
  func constantNode(_ attribute: Proto, _ expected: [Float]) throws {
    let graph = try read([.node("Constant", [], ["c"], [attribute]), .output("c")])
    let constant = try #require(graph[graph.outputs[0]].constant)
    #expect(constant.floats ?? constant.integers?.map { Float($0) } == expected)
    #expect(graph.nodes.isEmpty)
  }

  static let sparse: [([Proto], [Float])] = [
    ([.int(1, 2), .int(2, 7), .packed(7, [1, 5])], [0, 1, 0, 0, 0, 2]),
    ([.int(1, 2), .int(1, 2), .int(2, 7), .packed(7, [0, 1, 1, 2])], [0, 1, 0, 0, 0, 2]),
  ]

  @Test(arguments: sparse)
  func sparseInitializer(indices: [Proto], expected: [Float]) throws {
    let values = Proto.head("w", [2]) + [.data(4, Proto.littleEndian([1, 2]))]
    let graph = try read([
      .message(15, [.message(1, values), .message(2, indices), .int(3, 2), .int(3, 3)]),
      .output("w"),
    ])
    let constant = try #require(graph[graph.outputs[0]].constant)
    #expect(constant.shape == [2, 3])
    #expect(constant.floats == expected)
  }

  static let brokenSparse: [([Int64], String)] = [
    ([1, 6], "index 6 is outside"), ([-1, 2], "index -1 is outside"), ([2, 2], "not ascending"),
    ([3, 1], "not ascending"),
  ]

  @Test(arguments: brokenSparse)
  func refusesSparseInitializer(indices: [Int64], words: String) throws {
    let values = Proto.head("w", [2]) + [.data(4, Proto.littleEndian([1, 2]))]
    let error = try #require(throws: FormatError.self) {
      try read([
        .message(
          15,
          [
            .message(1, values), .message(2, [.int(1, 2), .int(2, 7), .packed(7, indices)]),
            .int(3, 2), .int(3, 3),
          ]),
        .output("w"),
      ])
    }
    #expect(error.message.contains(words))
  }

  @Test func sortsNodesAndKeepsTheFilesOrderOtherwise() throws {
    let graph = try read([
      .input("x", ["2"]), .node("Relu", ["b"], ["y"]), .node("Abs", ["x"], ["a"]),
      .node("Neg", ["a"], ["b"]), .output("y"),
    ])
    #expect(graph.nodes.map { $0.op.name } == ["Abs", "Neg", "Relu"])
  }

  @Test func initializersListedAsInputsAreConstants() throws {
    let graph = try read([
      .input("x", ["2"]), .input("w", ["2"]), .initializer("w", [2], [1, 2]),
      .node("Add", ["x", "w"], ["y"]), .output("y"),
    ])
    #expect(graph.inputs.map { graph[$0].name } == ["x"])
  }

  @Test func dropsUnusedInitializers() throws {
    let graph = try read([
      .input("x", ["2"]), .initializer("spare", [1], [1]), .node("Relu", ["x"], ["y"]),
      .output("y"),
    ])
    #expect(graph.values.map { $0.name } == ["x", "y"])
  }

  static let dimensions: [(String, Dimension)] = [
    ("3", .known(3)), ("0", .known(0)), ("-1", .unknown), ("?", .unknown),
    ("batch", .symbol("batch")),
    ("*", .unknown), ("", .unknown), ("p2o.DynamicDimension.0", .symbol("p2o.DynamicDimension.0")),
  ]

  @Test(arguments: dimensions)
  func dimension(_ text: String, _ expected: Dimension) throws {
    let graph = try read([.input("x", [text]), .node("Relu", ["x"], ["y"]), .output("y")])
    #expect(graph[graph.inputs[0]].type?.dimensions == [expected])
  }

  @Test func declaredTypesOfValuesInBetweenDoNotMatter() throws {
    let graph = try read([
      .input("x", ["2", "3"]), .node("Abs", ["x"], ["a"]), .node("Relu", ["a"], ["y"]),
      .value(13, "a", type: 7, ["9"]), .value(12, "y", ["7", "7", "7"]),
    ])
    #expect(graph[graph.outputs[0]].type == TensorType(.float32, shape: [2, 3]))
  }

  @Test func declaredOutputFillsWhatInferenceLeavesOpen() throws {
    let graph = try read([
      .input("x", ["2", "6"]), .input("s", type: 7, ["2"]), .node("Reshape", ["x", "s"], ["y"]),
      .value(12, "y", ["n", "3"]),
    ])
    #expect(graph[graph.outputs[0]].type?.text == "f32[n,3]")
  }

  @Test func nodesWithoutNamesGoByTheirOutput() throws {
    let graph = try read([
      .input("x", ["2"]), .node("Relu", ["x"], ["y"]), .node("Abs", ["y"], ["z"], name: "abs"),
      .output("z"),
    ])
    #expect(graph.nodes.map { $0.name } == ["y", "abs"])
  }

  @Test func readsRealNamesOfItsOwnAdditions() throws {
    // A lift's names give way to the file's.
    let graph = try read(
      [
        .input("y_axes", ["1", "2"]),
        .node("Squeeze", ["y_axes"], ["y"], [.attribute("axes", ints: [0])]), .output("y"),
      ], opset: 11)
    #expect(graph.values.map { $0.name }.sorted() == ["y", "y_axes", "y_axes_1"])
  }
}
