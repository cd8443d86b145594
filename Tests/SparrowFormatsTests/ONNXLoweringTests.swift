import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

/// What Sparrow adds to ONNX's operators becomes nodes of its own.
@Suite struct ONNXLoweringTests {
  private func mlp(_ op: MatMul, bias: Bool) throws -> Graph {
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(2)]))
    let w = graph.addConstant("w", Tensor([Float(1), 2, 3, 4], shape: [2, 2]))
    let b = graph.addConstant("b", Tensor([Float(5), 6]))
    graph.outputs = [try graph.add(.matMul(op), bias ? [x, w, b] : [x, w], name: "y")]
    return graph
  }

  static let activations: [(Activation, [String])] = [
    (.relu, ["Relu(%y_linear)"]),
    (.clip(low: 0, high: 6), ["Clip(%y_linear, 0.0, 6.0)"]),
    (.clip(low: -.infinity, high: 6), ["Clip(%y_linear, _, 6.0)"]),
    (.clip(low: -1, high: .infinity), ["Clip(%y_linear, -1.0)"]),
    (.sigmoid, ["Sigmoid(%y_linear)"]),
    (.silu, ["Sigmoid(%y_linear)", "Mul(%y_linear, %y_sigmoid)"]),
    (.tanh, ["Tanh(%y_linear)"]),
    (.gelu, ["Gelu(%y_linear)"]),
    (.hardSigmoid(alpha: 0.25, beta: 0.5), ["HardSigmoid(%y_linear) {alpha=0.25}"]),
    (.hardSwish, ["HardSwish(%y_linear)"]),
  ]

  @Test(arguments: activations)
  func activation(_ activation: Activation, nodes: [String]) throws {
    let text = try written(try mlp(MatMul(activation: activation), bias: false)).text
    #expect(text.contains("%y_linear: f32[n,2] = MatMul(%x, @w: f32[2,2])\n"))
    for node in nodes { #expect(text.contains(node)) }
    #expect(text.contains("-> (%y)"))
    #expect(text.split(separator: "\n").count == 2 + nodes.count)
  }

  @Test func bias() throws {
    let text = try written(try mlp(MatMul(), bias: true)).text
    #expect(
      text == """
        graph g(%x: f32[n,2]) -> (%y)
          %y_linear: f32[n,2] = MatMul(%x, @w: f32[2,2])
          %y: f32[n,2] = Add(%y_linear, @b: f32[2])

        """)
  }

  @Test func addendBeforeActivation() throws {
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, shape: [1, 2, 3, 3]))
    let w = graph.addConstant("w", Tensor([Float](repeating: 1, count: 4), shape: [2, 2, 1, 1]))
    graph.outputs = [
      try graph.add(.conv(Conv(activation: .relu)), [x, w, nil, x], name: "y")
    ]
    #expect(
      try written(graph).text == """
        graph g(%x: f32[1,2,3,3]) -> (%y)
          %y_linear: f32[1,2,3,3] = Conv(%x, @w: f32[2,2,1,1])
          %y_sum: f32[1,2,3,3] = Add(%y_linear, %x)
          %y: f32[1,2,3,3] = Relu(%y_sum)

        """)
  }

  /// onnxruntime refuses an RNN with an empty list of activations.
  @Test func emptyListsAreLeftOut() throws {
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, shape: [3, 1, 2]))
    let w = graph.addConstant("w", Tensor([Float(1), 2], shape: [1, 1, 2]))
    let r = graph.addConstant("r", Tensor([Float(1)], shape: [1, 1, 1]))
    graph.outputs = [try graph.add(.recurrent(Recurrent(.rnn)), [x, w, r], name: "y")]
    let folder = try TemporaryFolder()
    try ONNX.write(graph, to: folder.path("m.onnx"))
    let bytes = try Data(contentsOf: folder.url.appending(path: "m.onnx"))
    #expect(bytes.range(of: Data("direction".utf8)) != nil)
    #expect(bytes.range(of: Data("activation".utf8)) == nil)
  }

  @Test func outputsThatMustBeThereAreKept() throws {
    let model = Proto.model([
      .node("TopK", ["x", "k"], ["y", "i"]), .input("x", ["4"]), .initializer("k", [2]),
      .output("y"),
    ])
    let graph = try ONNX.read(Bytes(model))
    #expect(graph.nodes[0].outputs.count == 2)
    #expect(try written(graph).nodes[0].outputs.count == 2)
  }
}
