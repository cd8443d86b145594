import CKernels
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// Products with a sparse constant matrix against plain loops, and the same bits from any number of
/// threads.
@Suite struct SparseProductTests {
  /// Tokens around every tile edge.
  @Test(
    arguments: [1, 2, 7, 15, 16, 17, 31, 33, 64, 96, 97, 130],
    [(k: 64, n: 33), (20, 130), (32, 70)])
  func everyNumberOfTokens(m: Int, size: (k: Int, n: Int)) throws {
    try check(m: m, k: size.k, n: size.n, threads: 1...4)
  }

  /// Rows of several segments and chunks, of some of which 256 is no multiple; reductions of
  /// several blocks.
  @Test(
    arguments: [1, 17, 97],
    [(k: 300, n: 300), (72, 768), (40, 515), (1500, 60), (20, 1030), (700, 270)])
  func largeWeights(m: Int, size: (k: Int, n: Int)) throws {
    try check(m: m, k: size.k, n: size.n, threads: 1...3)
  }

  /// Vectors of one block of columns, of several equal ones, and of some with a shorter last one.
  @Test(arguments: [8192, 8193, 16_386, 20_000]) func longVectors(k: Int) throws {
    try check(m: 1, k: k, n: 23, threads: 1...3)
  }

  /// Rows without nonzeros, and one with most of them.
  @Test(arguments: [1, 2, 7, 64]) func rowsOfUnevenLength(tasks: Int) {
    let (rows, columns) = (40, 9000)
    var weights = [Float](repeating: 0, count: rows * columns)
    for column in 0..<columns { weights[13 * columns + column] = 1 }
    for row in 20..<30 { weights[row * columns + 8999] = 1 }
    let matrix = SparseRows(
      WeightNonzeros(sp_kernels_best(), weights, rows: rows, columns: columns))
    let starts = matrix.split(into: tasks)
    #expect(starts.first == 0 && starts.last == rows && starts.count <= tasks + 1)
    #expect(zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 })
    if tasks > 1 { #expect(starts.contains(14)) }
  }

  private func check(m: Int, k: Int, n: Int, threads: ClosedRange<Int>) throws {
    let seed = m * 7 + k + n
    var random = SeededGenerator(seed: UInt64(seed))
    let pattern = SparsePattern.allCases[seed % 3]
    let activation = Activation.samples[seed % 9]
    let rows = pattern.weights(outputs: n, inputs: k, density: 0.08, &random)
    let b = (0..<(k * n)).map { rows[$0 % n * k + $0 / n] }
    let a = random.floats(m * k)
    let bias = random.floats(n)
    let sums = Reference.multiply(a, b, m: m, k: k, n: n)
    let expected = sums.indices.map { activation.reference(sums[$0] + Double(bias[$0 % n])) }
    let isTransposed = seed % 2 == 0
    var first: Tensor?
    for threads in threads {
      var graph = Graph()
      let x = graph.addInput("a", TensorType(.float32, shape: [m, k]))
      let w = graph.addConstant(
        "b", isTransposed ? Tensor(rows, shape: [n, k]) : Tensor(b, shape: [k, n]))
      let c = graph.addConstant("bias", Tensor(bias))
      let op: Op =
        isTransposed
        ? .gemm(Gemm(transposesB: true, activation: activation))
        : .matMul(MatMul(activation: activation))
      graph.outputs = [try graph.add(op, [x, w, c], name: "c")]
      let session = try Session(
        graph, options: SessionOptions(threads: threads, kernel: pattern.kernel))
      let (outputs, steps) = try session.profile([Tensor(a, shape: [m, k])])
      let context = "\(m)x\(k)x\(n), \(pattern), \(activation), seed \(seed)"
      guard let first else {
        let kernel = steps[0].kernel
        #expect(m == 1 ? kernel == "f32_spmv" : pattern.isKernel(kernel), "\(kernel) of \(context)")
        let y = outputs[0].array(of: Float.self)
        #expect(difference(y, expected) < sumTolerance, "\(context)")
        first = outputs[0]
        continue
      }
      #expect(outputs[0] == first, "\(threads) threads, \(context)")
    }
  }

  /// More rows than 16 bits count.
  @Test(arguments: SparsePattern.allCases) func manyRows(pattern: SparsePattern) throws {
    let (m, k, n) = (5, 8, pattern == .fourOutputs ? 262_150 : 65_600)
    var random = SeededGenerator(seed: 6)
    let rows = pattern.weights(outputs: n, inputs: k, density: 0.1, &random)
    let a = random.floats(m * k)
    var graph = Graph()
    let x = graph.addInput("a", TensorType(.float32, shape: [m, k]))
    let w = graph.addConstant("b", Tensor(rows, shape: [n, k]))
    graph.outputs = [try graph.add(.gemm(Gemm(transposesB: true)), [x, w], name: "c")]
    let session = try Session(graph, options: SessionOptions(kernel: pattern.kernel))
    let y = try session.run([Tensor(a, shape: [m, k])])[0].array(of: Float.self)
    var worst = 0.0
    for j in Swift.stride(from: 0, to: n, by: 37) {
      for i in 0..<m {
        let sum = (0..<k).reduce(0.0) { $0 + Double(a[i * k + $1]) * Double(rows[j * k + $1]) }
        worst = max(worst, abs(sum - Double(y[i * n + j])))
      }
    }
    #expect(worst < sumTolerance)
  }
}
