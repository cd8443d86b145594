import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

/// Steps that do a neighbour's work give the bytes that separate steps give.
@Suite struct NodeFoldingTests {
  /// Attention of `heads` heads over `tokens` tokens, and the normalisation of its sum with x.
  private func attention(heads: Int, tokens: Int, depth: Int, keeping: Bool) throws -> Graph {
    var graph = Graph()
    let width = heads * depth
    let x = graph.addInput("x", TensorType(.float32, shape: [1, tokens, width]))
    var kept: [ValueID] = []
    func add(_ op: Op, _ inputs: [ValueID?], _ name: String) throws -> ValueID {
      let y = try graph.add(op, inputs, name: name)
      kept.append(y)
      return y
    }
    func split(_ name: String, _ factor: Float, _ order: [Int]) throws -> ValueID {
      let weight = graph.addConstant("\(name) factor", Tensor(scalar: factor))
      let scaled = try graph.add(.binary(Binary(.mul)), [x, weight], name: name)
      let shape = graph.addConstant("\(name) shape", integers([1, tokens, heads, depth]))
      let parts = try graph.add(.reshape(Reshape()), [scaled, shape], name: "\(name) heads")
      return try add(.transpose(Transpose(order)), [parts], "\(name) moved")
    }
    let q = try split("q", 0.5, [0, 2, 1, 3])
    let k = try split("k", -0.75, [0, 2, 3, 1])
    let v = try split("v", 1.25, [0, 2, 1, 3])
    let scores = try add(.matMul(MatMul()), [q, k], "scores")
    let eight = graph.addConstant("eight", Tensor(scalar: Float(8)))
    let scaled = try add(.binary(Binary(.div)), [scores, eight], "scaled")
    let chances = try graph.add(.softmax(Softmax()), [scaled], name: "chances")
    let mixed = try add(.matMul(MatMul()), [chances, v], "mixed")
    let moved = try add(.transpose(Transpose([0, 2, 1, 3])), [mixed], "moved")
    let shape = graph.addConstant("shape", integers([1, tokens, width]))
    let joined = try graph.add(.reshape(Reshape()), [moved, shape], name: "joined")
    let sum = try add(.binary(Binary(.add)), [joined, x], "sum")
    let ones = graph.addConstant(
      "ones", Tensor([Float](repeating: 1, count: width), shape: [width]))
    let y = try graph.add(.layerNormalization(LayerNormalization()), [sum, ones], name: "y")
    graph.outputs = keeping ? [y] + kept : [y]
    return graph
  }

  @Test(arguments: [(2, 5, 3), (3, 17, 16), (12, 40, 64)], [1, 3])
  func attentionIsThatOfSeparateSteps(_ size: (Int, Int, Int), threads: Int) throws {
    let (heads, tokens, depth) = size
    let x = random([1, tokens, heads * depth], seed: 7, scale: 3)
    let options = SessionOptions(threads: threads)
    let plain = try attention(heads: heads, tokens: tokens, depth: depth, keeping: true)
    let folded = try attention(heads: heads, tokens: tokens, depth: depth, keeping: false)
    let expected = try Session(plain, options: options).run([x])
    let (found, steps) = try Session(folded, options: options).profile([x])
    #expect(found[0] == expected[0])
    // Three scales, two products, softmax and the normalisation are left.
    #expect(steps.count == 7)
  }

  @Test func whatOthersReadIsMade() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2, 3, 4]))
    let t = try graph.add(
      .transpose(Transpose([0, 2, 1])), [x], name: "t")
    let product = try graph.add(.matMul(MatMul()), [x, t], name: "product")
    let negative = try graph.add(.unary(Unary(.neg)), [t], name: "negative")
    graph.outputs = [product, negative]
    let tensor = counting([2, 3, 4])
    let results = try Session(graph).run([tensor])
    let values = tensor.array(of: Float.self)
    var expected: [Float] = []
    for b in 0..<2 {
      for i in 0..<3 {
        for j in 0..<3 {
          expected.append(
            (0..<4).reduce(0) { $0 + values[b * 12 + i * 4 + $1] * values[b * 12 + j * 4 + $1] })
        }
      }
    }
    #expect(results[0].array(of: Float.self) == expected)
    #expect(results[1].array(of: Float.self)[1] == -4)
  }
}
