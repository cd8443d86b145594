import SparrowCore
import SparrowFormats
import Testing

/// What operators of com.microsoft and ai.onnx.ml become, beyond the values that single nodes are
/// compared for, and what is refused.
@Suite struct ONNXFusedTests {
  private func graph(
    _ opType: String, _ inputs: [(String, [String])], outputs: [String] = ["y"],
    _ attributes: [Proto] = [], domain: String = "com.microsoft"
  ) throws -> Graph {
    let node = Proto.node(
      opType, inputs.map { $0.0 }, outputs, domain: domain, attributes)
    let graph =
      [node] + inputs.filter { !$0.0.isEmpty }.map { .input($0.0, $0.1) }
      + outputs.filter { !$0.isEmpty }.map { .output($0) }
    return try ONNX.read(Bytes(.model(opset: 21, domain: domain, graph)))
  }

  @Test func sumsOfSkippedLayersAreOutputsOfTheirOwn() throws {
    let made = try graph(
      "SkipLayerNormalization", [("x", ["b", "8"]), ("s", ["b", "8"]), ("g", ["8"])],
      outputs: ["y", "", "", "sum"])
    #expect(
      made.text == """
        graph (%x: f32[b,8], %s: f32[b,8], %g: f32[8]) -> (%y, %sum)
          %y_add: f32[b,8] = Add(%x, %s)
          %y: f32[b,8] = LayerNormalization(%y_add, %g) {epsilon=1e-12}
          %sum: f32[b,8] = Identity(%y_add)

        """)
  }

  @Test(arguments: [
    ("MultiHeadAttention", 1, "packed operands"), ("MatMulNBits", 5, "g_idx"),
    ("FusedConv", 4, "an addend"), ("Attention", 7, "a cache shared"),
  ])
  func formsThatAreRefusedAreNamed(opType: String, inputs: Int, reason: String) {
    let all = (0..<inputs).map { i in ("x\(i)", ["1", "8", "8"]) }
    var message = ""
    do {
      let attributes: [Proto] =
        [
          "MultiHeadAttention", "Attention",
        ].contains(opType) ? [.attribute("num_heads", int: 2)] : []
      _ = try graph(opType, all, attributes)
    } catch let error as FormatError {
      message = error.message
    } catch {}
    #expect(message.contains(reason), "\(message)")
  }

  @Test func stringLabelsAreRefused() {
    var message = ""
    do {
      _ = try graph(
        "LabelEncoder", [("x", ["3"])],
        [.attribute("keys_strings", strings: ["a"]), .attribute("values_floats", floats: [1])],
        domain: "ai.onnx.ml")
    } catch let error as FormatError {
      message = error.message
    } catch {}
    #expect(message.contains("strings are not supported"), "\(message)")
  }

  @Test func treesThatLeadNowhereAreRefused() {
    func trees(true next: [Int64], modes: [String]) -> [Proto] {
      let zeros = [Int64](repeating: 0, count: modes.count)
      return [
        .attribute("nodes_treeids", ints: zeros),
        .attribute("nodes_nodeids", ints: (0..<Int64(modes.count)).map { $0 }),
        .attribute("nodes_featureids", ints: zeros), .attribute("nodes_modes", strings: modes),
        .attribute("nodes_values", floats: [Float](repeating: 0, count: modes.count)),
        .attribute("nodes_truenodeids", ints: next),
        .attribute("nodes_falsenodeids", ints: next),
        .attribute("target_treeids", ints: [0]), .attribute("target_nodeids", ints: [1]),
        .attribute("target_ids", ints: [0]), .attribute("target_weights", floats: [1]),
      ]
    }
    for (next, modes, reason) in [
      ([9, 0], ["BRANCH_LEQ", "LEAF"], "does not exist"),
      ([1, 2, 1], ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT"], "in a circle"),
      ([1, 0], ["BRANCH_MAYBE", "LEAF"], "BRANCH_MAYBE"), ([1], ["BRANCH_LEQ", "LEAF"], "differ"),
    ] as [([Int64], [String], String)] {
      var message = ""
      do {
        _ = try graph(
          "TreeEnsembleRegressor", [("x", ["n", "3"])], trees(true: next, modes: modes),
          domain: "ai.onnx.ml")
      } catch let error as FormatError {
        message = error.message
      } catch {}
      #expect(message.contains(reason), "\(reason): \(message)")
    }
  }
}
