import CKernels
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// Every kernel that may be chosen for a weight computes the same, and a session keeps to its choices.
@Suite struct TuningTests {
  /// A product whose weight, 30 % of it not zero, in blocks of four outputs, suits every kernel.
  enum Product: CaseIterable {
    case pointwise, spatial, strided, grouped, residual, gemm, matMul, vector

    /// The graph and its input.
    func network(batch: Int = 2) throws -> (graph: Graph, input: Tensor) {
      var random = SeededGenerator(seed: 40 + UInt64(batch))
      var graph = Graph()
      let (outputs, inputs) = (48, 32)
      let side = self == .spatial || self == .strided ? 3 : 1
      var weights = SparsePattern.fourOutputs.weights(
        outputs: outputs, inputs: inputs, positions: side * side, density: 0.3, &random)
      let bias = graph.addConstant("bias", Tensor(random.floats(outputs)))
      switch self {
      case .pointwise, .spatial, .strided, .grouped, .residual:
        let channels = self == .grouped ? 2 * inputs : inputs
        let shape = [batch, channels, 9, 11]
        let x = graph.addInput("x", TensorType(.float32, shape: shape))
        let w = graph.addConstant("w", Tensor(weights, shape: [outputs, inputs, side, side]))
        let stride = self == .strided ? 2 : 1
        var operands: [ValueID?] = [x, w, bias]
        if self == .residual {
          operands.append(try graph.add(.conv(Conv()), [x, w, bias], name: "addend"))
        }
        let window = Window(
          strides: [stride, stride], pads: [Int](repeating: side / 2, count: 4))
        let op = Conv(window: window, group: self == .grouped ? 2 : 1, activation: .relu)
        graph.outputs = [try graph.add(.conv(op), operands, name: "y")]
        return (graph, Tensor(random.floats(shape.elementCount), shape: shape))
      case .gemm, .matMul, .vector:
        let rows = self == .vector ? 1 : 33 * batch
        let x = graph.addInput("x", TensorType(.float32, shape: [rows, inputs]))
        if self == .matMul {
          weights = (0..<weights.count).map { weights[$0 % outputs * inputs + $0 / outputs] }
          let w = graph.addConstant("w", Tensor(weights, shape: [inputs, outputs]))
          graph.outputs = [
            try graph.add(.matMul(MatMul(activation: .gelu)), [x, w, bias], name: "y")
          ]
        } else {
          let w = graph.addConstant("w", Tensor(weights, shape: [outputs, inputs]))
          graph.outputs = [
            try graph.add(.gemm(Gemm(transposesB: true)), [x, w, bias], name: "y")
          ]
        }
        return (graph, Tensor(random.floats(rows * inputs), shape: [rows, inputs]))
      }
    }
  }

  static let kernels: [WeightKernel] = [
    .dense, .sparse(.single), .sparse(.block4x1), .sparse(.block1x4),
  ]

  /// Each pattern's own kernel, and dense where few weights are zero.
  @Test(arguments: [0.1, 0.4, 0.9], SparsePattern.allCases)
  func theCostModelKnowsPatterns(density: Double, pattern: SparsePattern) throws {
    var random = SeededGenerator(seed: 3)
    let (rows, columns) = (256, 512)
    let weights = pattern.weights(outputs: rows, inputs: columns, density: density, &random)
    let nonzeros = weights.withUnsafeBufferPointer {
      WeightNonzeros(sp_kernels_best(), $0.baseAddress, rows: rows, columns: columns)
    }
    let choice = SparsityChoice(
      nonzeros, inputs: columns, positions: 1, columns: 196, forced: nil)
    #expect(choice.candidates[0].kernel == (density < 0.5 ? pattern.kernel : .dense))
    #expect(choice.candidates.count == (density < 0.5 ? 4 : 1))
    let vector = SparsityChoice(vector: nonzeros, forced: nil)
    #expect(vector.kind == (density < 0.2 ? .single : nil) || density == 0.4)
  }

  /// Two of every four weights run as single weights, not dense.
  @Test(arguments: [1, 9], [196, 784]) func twoOfFourRunSparse(positions: Int, pixels: Int) {
    var random = SeededGenerator(seed: 5)
    let (rows, columns) = (256, 256 * positions)
    var weights = [Float](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for column in 0..<columns where column / positions % 4 == 0 {
        for input in (0..<4).shuffled(using: &random).prefix(2) {
          weights[row * columns + column + input * positions] = 1
        }
      }
    }
    let nonzeros = weights.withUnsafeBufferPointer {
      WeightNonzeros(sp_kernels_best(), $0.baseAddress, rows: rows, columns: columns)
    }
    let choice = SparsityChoice(
      nonzeros, inputs: 256, positions: positions, columns: pixels, forced: nil)
    #expect(nonzeros.count == rows * columns / 2)
    #expect(choice.kind == .single)
  }

  /// A vector of columns is worth as much as one column of it.
  @Test(arguments: [1, 4, 16, 64, 256, 4_096])
  func fewColumnsNeedMoreZeros(columns: Int) throws {
    var random = SeededGenerator(seed: 4)
    var last: WeightKernel = .sparse(.single)
    for density in [0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.58] {
      let weights = random.floats(256 * 256, sparsity: 1 - density)
      let nonzeros = weights.withUnsafeBufferPointer {
        WeightNonzeros(sp_kernels_best(), $0.baseAddress, rows: 256, columns: 256)
      }
      let choice = SparsityChoice(
        nonzeros, inputs: 256, positions: 1, columns: columns, forced: nil)
      let kernel = choice.candidates[0].kernel
      #expect(kernel == .sparse(.single) || kernel == .dense)
      #expect(last == .sparse(.single) || kernel == .dense)
      if density < 0.05 { #expect(kernel == .sparse(.single)) }
      if density == 0.4 { #expect(kernel == (columns >= 64 ? .sparse(.single) : .dense)) }
      last = kernel
    }
  }

  private func session(_ graph: Graph, kernel: WeightKernel) throws -> Session {
    try Session(graph, options: SessionOptions(kernel: kernel))
  }

  private func kernelName(_ session: Session, _ input: Tensor) throws -> String {
    try #require(try session.profile([input]).steps.last).kernel
  }

  @Test(arguments: Product.allCases, kernels)
  func everyKernelComputesTheSame(product: Product, kernel: WeightKernel) throws {
    let (graph, input) = try product.network()
    let dense = try session(graph, kernel: .dense).run([input])[0].array(of: Float.self)
    let forced = try session(graph, kernel: kernel)
    let found = try forced.run([input])[0].array(of: Float.self)
    #expect(difference(found, dense.map { Double($0) }) < sumTolerance)
    let name = try kernelName(forced, input)
    switch kernel {
    case .dense: #expect(name.hasPrefix("f32_conv_"))
    case .sparse(.single): #expect(name.hasPrefix(product == .vector ? "f32_spmv" : "f32_spmm"))
    case .sparse(.block4x1): #expect(product == .vector || name.hasPrefix("f32_spmm_4x1"))
    case .sparse(.block1x4): #expect(product == .vector || name.hasPrefix("f32_spmm_1x4"))
    }
  }

  @Test(arguments: Product.allCases, Tuning.allCases)
  func tunedPlansComputeTheSame(product: Product, tuning: Tuning) throws {
    let (graph, input) = try product.network()
    let dense = try session(graph, kernel: .dense).run([input])[0].array(of: Float.self)
    for threads in 1...2 {
      let tuned = try Session(graph, options: SessionOptions(threads: threads, tuning: tuning))
      let first = try tuned.run([input])[0]
      #expect(difference(first.array(of: Float.self), dense.map { Double($0) }) < sumTolerance)
      #expect(try tuned.run([input])[0] == first)
    }
  }

  @Test(arguments: Product.allCases)
  func withoutTuningEverySessionChoosesAlike(product: Product) throws {
    let (graph, input) = try product.network()
    var first: (output: Tensor, kernel: String)?
    for threads in [1, 2, 1] {
      let session = try Session(graph, options: SessionOptions(threads: threads))
      let found = (output: try session.run([input])[0], kernel: try kernelName(session, input))
      #expect(found.output == first?.output ?? found.output)
      #expect(found.kernel == first?.kernel ?? found.kernel)
      first = first ?? found
    }
  }

  /// A choice outlives the plan it was made for: a second plan for the same shapes takes it over.
  @Test(arguments: Product.allCases)
  func choicesAreMadeOnce(product: Product) throws {
    let (graph, input) = try product.network()
    let weights = WeightCache(tuning: .full)
    let pool = ThreadPool(count: 1)
    let kernels = sp_kernels_best()
    let plans = try (0..<3).map { _ in
      try Plan(graph, kernels: kernels, pool: pool, threads: pool.count, weights: weights)
    }
    let bytes = weights.byteCount
    let outputs = try plans.map { try Execution($0).run([input], pool: pool)[0] }
    for (plan, output) in zip(plans, outputs) {
      #expect(plan.steps.map { $0.kernel } == plans[0].steps.map { $0.kernel })
      #expect(output == outputs[0])
    }
    #expect(weights.byteCount == bytes)
  }

  /// What lost is not kept: the cache holds what a session holds that was told the kernel.
  @Test(arguments: Product.allCases.filter { $0 != .residual })
  func onlyTheChosenWeightsAreKept(product: Product) throws {
    let (graph, input) = try product.network()
    let tuned = try Session(graph, options: SessionOptions(tuning: .full))
    let name = try kernelName(tuned, input)
    let alike = try Self.kernels.map { try session(graph, kernel: $0) }.filter {
      try kernelName($0, input) == name
    }
    #expect(alike.map { $0.packedWeightBytes }.contains(tuned.packedWeightBytes))
  }
}
