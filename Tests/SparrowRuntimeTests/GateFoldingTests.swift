import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// Convolutions that leave out closed channels give the bits of those that compute them.
@Suite struct GateFoldingTests {
  /// Two convolutions with a gate between, the second with a shortcut of its own.
  struct Pair: CustomTestStringConvertible, Sendable {
    var batch = 1
    var channels: (Int, Int, Int)
    var size: (Int, Int)
    var kernels: (Int, Int) = (3, 3)
    var strides: (Int, Int) = (1, 1)
    var dilation = 1
    var activation = Activation.relu
    var isLine = false
    var testDescription: String {
      "\(batch)x\(channels) at \(size), kernels \(kernels), strides \(strides)"
    }

    func window(_ kernel: Int, _ stride: Int) -> Window {
      let axes = isLine ? 1 : 2
      var window = Window()
      window.pads = [Int](repeating: kernel / 2 * dilation, count: 2 * axes)
      window.strides = [Int](repeating: stride, count: axes)
      window.dilations = [Int](repeating: dilation, count: axes)
      return window
    }

    func spatial(_ values: (Int, Int)) -> [Int] { isLine ? [values.1] : [values.0, values.1] }
    var input: [Int] { [batch, channels.0] + spatial(size) }
    var gate: [Int] { [batch, channels.1] + spatial((1, 1)) }

    func graph(_ random: inout SeededGenerator) throws -> Graph {
      var graph = Graph()
      let x = graph.addInput("x", TensorType(.float32, shape: input))
      let open = graph.addInput("open", TensorType(.bool, shape: gate))
      func conv(
        _ x: ValueID, _ counts: (Int, Int), _ kernel: Int, _ stride: Int, _ activation: Activation,
        _ name: String
      ) throws -> ValueID {
        let shape = [counts.1, counts.0] + spatial((kernel, kernel))
        let w = graph.addConstant(
          "\(name).w", Tensor(random.floats(shape.elementCount), shape: shape))
        let b = graph.addConstant("\(name).b", Tensor(random.floats(counts.1)))
        let op = Conv(window: window(kernel, stride), activation: activation)
        return try graph.add(.conv(op), [x, w, b], name: name)
      }
      let hidden = try conv(x, (channels.0, channels.1), kernels.0, strides.0, activation, "hidden")
      let zero = graph.addConstant("zero", Tensor(scalar: Float(0)))
      let gated = try graph.add(.where(Where()), [open, hidden, zero], name: "gated")
      let last = try conv(gated, (channels.1, channels.2), kernels.1, strides.1, .none, "last")
      let shape = try #require(graph[last].type?.shape)
      let shortcut = graph.addInput("shortcut", TensorType(.float32, shape: shape))
      guard case .conv(var op) = graph.nodes[graph.nodes.count - 1].op else { return graph }
      op.activation = .relu
      graph.nodes[graph.nodes.count - 1].op = .conv(op)
      graph.nodes[graph.nodes.count - 1].inputs.append(shortcut)
      graph.outputs = [last]
      return graph
    }
  }

  static let pairs: [Pair] = [
    Pair(channels: (3, 5, 4), size: (7, 9)),
    Pair(channels: (16, 64, 48), size: (14, 14)),
    Pair(batch: 3, channels: (24, 40, 33), size: (8, 12), kernels: (1, 1)),
    Pair(batch: 2, channels: (40, 70, 50), size: (7, 7), kernels: (1, 3)),
    Pair(channels: (16, 48, 24), size: (15, 13), kernels: (3, 1), strides: (2, 1)),
    Pair(channels: (8, 36, 20), size: (15, 15), kernels: (3, 5), strides: (1, 2)),
    Pair(channels: (12, 31, 17), size: (12, 10), kernels: (3, 3), dilation: 2),
    Pair(batch: 2, channels: (6, 40, 20), size: (9, 30), activation: .silu),
    Pair(batch: 2, channels: (6, 40, 20), size: (9, 30), activation: .clip(low: 0.25, high: 6)),
    Pair(channels: (96, 200, 130), size: (4, 4)),
    Pair(channels: (40, 64, 30), size: (56, 56)),
    Pair(batch: 2, channels: (7, 33, 12), size: (1, 70), isLine: true),
  ]

  static func gate(_ shape: [Int], share: Double, _ random: inout SeededGenerator) -> Tensor {
    let words = (0..<shape.elementCount).map { _ in UInt64(random.fraction() < share ? 1 : 0) }
    return Tensor(.bool, shape, words: words)
  }

  @Test(arguments: pairs.indices, [0, 0.02, 0.3, 0.5, 0.97, 1.0])
  func resultsAreThoseOfAllChannels(_ index: Int, share: Double) throws {
    let pair = Self.pairs[index]
    var random = SeededGenerator(seed: UInt64(index))
    let graph = try pair.graph(&random)
    var inputs: [Tensor] = []
    for id in graph.inputs {
      let type = try #require(graph[id].type), shape = try #require(type.shape)
      inputs.append(
        type.dtype == .bool
          ? Self.gate(shape, share: share, &random)
          : Tensor(random.floats(shape.elementCount), shape: shape))
    }
    let all = SessionOptions(skipsClosedChannels: false)
    let (expected, steps) = try Session(graph, options: all).profile(inputs)
    #expect(steps.count == 3)
    #expect(steps.allSatisfy { $0.realisedMultiplyAdds == nil })
    for threads in [1, 2, 3] {
      let session = try Session(graph, options: SessionOptions(threads: threads))
      let first = try session.run(inputs)
      #expect(first == expected, "\(threads) threads")
      let (second, steps) = try session.profile(inputs)
      #expect(second == expected, "\(threads) threads, again")
      try checkWork(pair, steps, inputs, session)
    }
  }

  /// The counts of multiply-adds are those of open channels.
  private func checkWork(
    _ pair: Pair, _ steps: [StepProfile], _ inputs: [Tensor], _ session: Session
  ) throws {
    #expect(steps.count == 2)
    let open = try #require(inputs.first { $0.dtype == .bool }).words.count { $0 != 0 }
    for step in steps {
      let each = step.multiplyAdds / (pair.batch * pair.channels.1)
      #expect(step.realisedMultiplyAdds == each * open)
    }
    let work = session.gatedWork
    #expect(work.map { $0.node } == ["Conv 'hidden'", "Conv 'last'"])
    #expect(work.map { $0.multiplyAdds } == steps.map { 2 * $0.multiplyAdds })
    #expect(
      work.map { $0.realisedMultiplyAdds } == steps.map { 2 * ($0.realisedMultiplyAdds ?? 0) })
  }

  /// Gates between three convolutions: the one in the middle reads and writes open channels. Two read the
  /// result of the second gate.
  static func chain(_ batch: Dimension, width: Int, sparse: Bool = false) throws -> Graph {
    var random = SeededGenerator(seed: 3)
    var graph = Graph()
    let x = graph.addInput(
      "x", TensorType(.float32, [batch, .known(width), .known(28), .known(28)]))
    let zero = graph.addConstant("zero", Tensor([Float(0)], shape: [1, 1, 1, 1]))
    let least = graph.addConstant("least", Tensor(scalar: Float(0)))
    func conv(_ x: ValueID, _ kernel: Int, _ name: String) throws -> ValueID {
      let shape = [width, width, kernel, kernel]
      let values = random.floats(shape.elementCount, sparsity: sparse ? 0.9 : 0).map { $0 / 8 }
      var window = Window()
      window.pads = [Int](repeating: kernel / 2, count: 4)
      let w = graph.addConstant("\(name).w", Tensor(values, shape: shape))
      let op = Conv(window: window, activation: name.hasSuffix("gate") ? .none : .relu)
      return try graph.add(.conv(op), [x, w], name: name)
    }
    func gated(_ hidden: ValueID, _ name: String) throws -> ValueID {
      let pooled = try graph.add(.globalPool(GlobalPool(.average)), [x], name: "\(name).pooled")
      let logits = try conv(pooled, 1, "\(name).gate")
      let open = try graph.add(
        .binary(Binary(.greaterOrEqual)), [logits, least], name: "\(name).open")
      return try graph.add(.where(Where()), [open, hidden, zero], name: "\(name).gated")
    }
    let a = try gated(try conv(x, 3, "a"), "a")
    let b = try gated(try conv(a, 1, "b"), "b")
    let c = try conv(b, 3, "c")
    let d = try conv(b, 1, "d")
    graph.outputs = [try graph.add(.binary(Binary(.add)), [c, d], name: "y")]
    return graph
  }

  /// Batches whose samples are computed apart, and those that are not.
  @Test(arguments: [1, 2, 3], [8, 48]) func gatesOfEachSample(threads: Int, width: Int) throws {
    let graph = try Self.chain(.symbol("n"), width: width)
    let session = try Session(graph, options: SessionOptions(threads: threads))
    let all = try Session(graph, options: SessionOptions(skipsClosedChannels: false))
    for batch in [1, 5, 2] {
      let x = random([batch, width, 28, 28], seed: batch)
      let (found, steps) = try session.profile([x])
      #expect(found == (try all.run([x])), "batch \(batch)")
      let skipping = steps.filter { $0.realisedMultiplyAdds != nil }
      #expect(skipping.map { $0.node } == ["Conv 'a'", "Conv 'b'", "Conv 'c'", "Conv 'd'"])
      #expect(skipping.allSatisfy { ($0.realisedMultiplyAdds ?? 0) < $0.multiplyAdds })
      #expect(found == (try session.run([x])), "batch \(batch), again")
    }
  }

  /// Kernels of sparse weights leave out more than gates do.
  @Test func sparseConvolutionsComputeAllChannels() throws {
    let graph = try Self.chain(.known(2), width: 48, sparse: true)
    let x = random([2, 48, 28, 28], seed: 1)
    let (found, steps) = try Session(graph).profile([x])
    #expect(steps.allSatisfy { $0.realisedMultiplyAdds == nil })
    let dense = try Session(graph, options: SessionOptions(forcesDense: true)).profile([x])
    #expect(dense.steps.count { $0.realisedMultiplyAdds != nil } == 4)
    #expect(
      difference(
        found[0].array(of: Float.self), dense.outputs[0].array(of: Float.self).map(Double.init))
        < sumTolerance)
  }

  enum Change: CaseIterable {
    case hiddenIsRead, gatedIsOutput, gatedIsAddend, elseIsOne, gateOfPixels, elseComputed
  }

  /// Where others see what lies between, or the gate is another, all is computed.
  @Test(arguments: Change.allCases) func othersAreLeftAlone(_ change: Change) throws {
    let pair = Pair(channels: (8, 8, 8), size: (6, 6))
    var random = SeededGenerator(seed: 8)
    var graph = try pair.graph(&random)
    let hidden = graph.nodes[0].outputs[0], gated = graph.nodes[1].outputs[0]
    switch change {
    case .hiddenIsRead: graph.outputs.append(hidden)
    case .gatedIsOutput: graph.outputs.append(gated)
    case .gatedIsAddend: graph.nodes[2].inputs[3] = gated
    case .elseIsOne:
      graph.nodes[1].inputs[2] = graph.addConstant("one", Tensor(scalar: Float(1)))
    case .gateOfPixels: graph[graph.inputs[1]].type = TensorType(.bool, shape: [1, 1, 6, 6])
    case .elseComputed:
      graph.nodes[1].inputs[2] = graph.addInput("else", TensorType(.float32, shape: [1]))
    }
    let inputs = try graph.inputs.map { id in
      let type = try #require(graph[id].type), shape = try #require(type.shape)
      return type.dtype == .bool
        ? Self.gate(shape, share: 0.5, &random)
        : Tensor(random.floats(shape.elementCount), shape: shape)
    }
    let (found, steps) = try Session(graph).profile(inputs)
    #expect(steps.count == 3)
    let all = SessionOptions(skipsClosedChannels: false)
    #expect(found == (try Session(graph, options: all).run(inputs)))
  }
}
