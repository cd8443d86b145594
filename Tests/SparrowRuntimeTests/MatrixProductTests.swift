import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

@Suite struct MatrixProductTests {
  @Test(
    arguments: [
      (1, 1, 1), (5, 3, 1), (40, 300, 1), (1, 300, 70), (2, 64, 64), (37, 129, 65), (130, 300, 33),
      (64, 512, 200),
    ],
    [0.0, 0.9])
  func matMulWithAConstant(_ size: (Int, Int, Int), _ sparsity: Double) throws {
    let (m, k, n) = size
    var random = SeededGenerator(seed: UInt64(m * k + n))
    let a = random.floats(m * k)
    let b = random.floats(k * n, sparsity: sparsity)
    let bias = random.floats(n)
    let product = Reference.multiply(a, b, m: m, k: k, n: n)
    let expected = product.enumerated().map { max(0, $1 + Double(bias[$0 % n])) }
    for threads in [1, 2] {
      var graph = Graph()
      let x = graph.addInput("a", TensorType(.float32, shape: [m, k]))
      let w = graph.addConstant("b", Tensor(b, shape: [k, n]))
      let c = graph.addConstant("bias", Tensor(bias))
      let op = Op.matMul(MatMul(activation: .relu))
      graph.outputs = [try graph.add(op, [x, w, c], name: "c")]
      let session = try Session(graph, options: SessionOptions(threads: threads))
      let y = try session.run([Tensor(a, shape: [m, k])])[0].array(of: Float.self)
      #expect(difference(y, expected) < sumTolerance)
    }
  }

  /// One tensor, read as k x n by one product and as n x k by the other.
  @Test(arguments: [0.0, 0.9])
  func aSharedWeightInBothOrientations(_ sparsity: Double) throws {
    let (m, k) = (20, 48)
    var random = SeededGenerator(seed: 13)
    let a = random.floats(m * k)
    let b = random.floats(k * k, sparsity: sparsity)
    let transposed = (0..<(k * k)).map { b[$0 % k * k + $0 / k] }
    var graph = Graph()
    let x = graph.addInput("a", TensorType(.float32, shape: [m, k]))
    let w = graph.addConstant("b", Tensor(b, shape: [k, k]))
    graph.outputs = [
      try graph.add(.matMul(MatMul()), [x, w], name: "plain"),
      try graph.add(.gemm(Gemm(transposesB: true)), [x, w], name: "transposed"),
    ]
    let y = try Session(graph).run([Tensor(a, shape: [m, k])])
    for (found, weight) in zip(y, [b, transposed]) {
      let expected = Reference.multiply(a, weight, m: m, k: k, n: k)
      #expect(difference(found.array(of: Float.self), expected) < sumTolerance)
    }
  }

  @Test func matMulOfComputedBatches() throws {
    var random = SeededGenerator(seed: 3)
    let (m, k, n) = (13, 20, 37)
    let a = random.floats(2 * 3 * m * k)
    let b = random.floats(3 * k * n)
    var graph = Graph()
    let x = graph.addInput("a", TensorType(.float32, shape: [2, 3, m, k]))
    let w = graph.addInput("b", TensorType(.float32, shape: [3, k, n]))
    graph.outputs = [try graph.add(.matMul(MatMul()), [x, w], name: "c")]
    let y = try Session(graph).run([
      Tensor(a, shape: [2, 3, m, k]), Tensor(b, shape: [3, k, n]),
    ])[0]
    #expect(y.shape == [2, 3, m, n])
    var expected: [Double] = []
    for i in 0..<6 {
      let left = Array(a[(i * m * k)..<((i + 1) * m * k)])
      let right = Array(b[(i % 3 * k * n)..<((i % 3 + 1) * k * n)])
      expected += Reference.multiply(left, right, m: m, k: k, n: n)
    }
    #expect(difference(y.array(of: Float.self), expected) < sumTolerance)
  }

  @Test(arguments: 0..<4, [[], [37], [1, 37], [13, 1], [13, 37]])
  func gemm(_ transposes: Int, _ addendShape: [Int]) throws {
    let (m, k, n) = (13, 50, 37)
    let (transposesA, transposesB) = (transposes & 1 != 0, transposes & 2 != 0)
    var random = SeededGenerator(seed: 7)
    let a = random.floats(m * k)
    let b = random.floats(k * n)
    let c = random.floats(addendShape.elementCount)
    for (alpha, beta) in [(Float(1), Float(1)), (0.5, 2)] {
      var expected = Reference.multiply(a, b, m: m, k: k, n: n)
      for i in 0..<(m * n) {
        let columns = addendShape.last ?? 1
        let rows = addendShape.count > 1 ? addendShape[0] : 1
        let index = (rows == 1 ? 0 : i / n * columns) + (columns == 1 ? 0 : i % n)
        expected[i] = expected[i] * Double(alpha) + Double(c[index]) * Double(beta)
      }
      func transposed(_ x: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0..<(rows * columns)).map { x[$0 % rows * columns + $0 / rows] }
      }
      var graph = Graph()
      let shapeA = transposesA ? [k, m] : [m, k]
      let shapeB = transposesB ? [n, k] : [k, n]
      let x = graph.addInput("a", TensorType(.float32, shape: shapeA))
      let w = graph.addConstant(
        "b", Tensor(transposesB ? transposed(b, k, n) : b, shape: shapeB))
      let addend = graph.addConstant("c", Tensor(c, shape: addendShape))
      let op = Gemm(alpha: alpha, beta: beta, transposesA: transposesA, transposesB: transposesB)
      graph.outputs = [try graph.add(.gemm(op), [x, w, addend], name: "y")]
      let y = try Session(graph).run([
        Tensor(transposesA ? transposed(a, m, k) : a, shape: shapeA)
      ])[0]
      #expect(difference(y.array(of: Float.self), expected) < sumTolerance)
    }
  }
}
