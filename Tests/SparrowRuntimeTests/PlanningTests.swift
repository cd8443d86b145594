import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

@Suite struct PlanningTests {
  @Test(arguments: 0..<20)
  func arenaBuffersAliveTogetherNeverOverlap(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let buffers = (0..<60).map { _ in
      let first = Int.random(in: 0..<40, using: &random)
      return ArenaLayout.Buffer(
        bytes: Int.random(in: 0..<5_000, using: &random), firstStep: first,
        lastStep: first + Int.random(in: 0..<8, using: &random))
    }
    let layout = ArenaLayout(buffers)
    for i in buffers.indices {
      #expect(layout.offsets[i] % ArenaLayout.alignment == 0)
      #expect(layout.offsets[i] + buffers[i].bytes <= layout.byteCount)
      for j in buffers.indices where j > i {
        guard buffers[i].firstStep <= buffers[j].lastStep,
          buffers[j].firstStep <= buffers[i].lastStep
        else { continue }
        let apart =
          layout.offsets[i] + buffers[i].bytes <= layout.offsets[j]
          || layout.offsets[j] + buffers[j].bytes <= layout.offsets[i]
        #expect(apart)
      }
    }
  }

  /// Where no other shapes can follow, constants go once they are packed, and results stay.
  @Test(arguments: [true, false]) func constantsGoWhereShapesAreFixed(isFixed: Bool) throws {
    let (k, n) = (300, 64)
    var random = SeededGenerator(seed: 2)
    var graph = Graph()
    let rows: Dimension = isFixed ? .known(3) : .symbol("n")
    let x = graph.addInput("x", TensorType(.float32, [rows, .known(k)]))
    let w = graph.addConstant("w", Tensor(random.floats(k * n), shape: [k, n]))
    let b = graph.addConstant("b", Tensor(random.floats(n)))
    let y = try graph.add(.matMul(MatMul()), [x, w], name: "y")
    graph.outputs = [try graph.add(.binary(Binary(.add)), [y, b], name: "z")]
    let session = try Session(graph)
    let input = Tensor(random.floats(3 * k), shape: [3, k])
    let first = try session.run([input])[0]
    #expect(session.graph.values.contains { $0.constant != nil } == !isFixed)
    #expect(session.packedWeightBytes >= k * n * 4)
    #expect(try session.run([input])[0] == first)
    let other = Tensor(random.floats(2 * k), shape: [2, k])
    if isFixed {
      #expect(throws: RuntimeError.self) { try session.run([other]) }
    } else {
      #expect(try session.run([other])[0].shape == [2, n])
    }
  }

  @Test func inputsOfWrongTypeOrShapeAreRefused() throws {
    var graph = Graph()
    let type = TensorType(.float32, [.symbol("n"), .known(4)])
    let a = graph.addInput("a", type)
    let b = graph.addInput("b", type)
    graph.outputs = [try graph.add(.matMul(MatMul()), [a, b], name: "c")]
    let session = try Session(graph)
    let square = Tensor([Float](repeating: 1, count: 16), shape: [4, 4])
    #expect(try session.run([square, square])[0].array(of: Float.self).allSatisfy { $0 == 4 })
    let wide = Tensor([Float](repeating: 1, count: 20), shape: [4, 5])
    let tall = Tensor([Float](repeating: 1, count: 20), shape: [5, 4])
    #expect(throws: RuntimeError.self) { try session.run([square]) }
    #expect(throws: RuntimeError.self) { try session.run([square, wide]) }
    #expect(throws: RuntimeError.self) { try session.run([square, tall]) }
    let integers = Tensor([Int32](repeating: 1, count: 16), shape: [4, 4])
    #expect(throws: RuntimeError.self) { try session.run([square, integers]) }
  }

  @Test(arguments: [Op.matMul(MatMul()), .gemm(Gemm())])
  func weightsOfAnotherTypeAreRefused(op: Op) throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [4, 32]))
    let w = graph.addConstant("w", Tensor([Double](repeating: 1, count: 32 * 32), shape: [32, 32]))
    graph.outputs = [try graph.add(op, [x, w], name: "y")]
    let session = try Session(graph)
    let input = Tensor([Float](repeating: 1, count: 4 * 32), shape: [4, 32])
    #expect(throws: RuntimeError.self) { try session.run([input]) }
  }

  @Test func outputsOfEarlierRunsStayAsTheyWere() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2, 3]))
    let w = graph.addConstant("w", Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1] as [Float], shape: [3, 3]))
    let y = try graph.add(.matMul(MatMul()), [x, w], name: "y")
    graph.outputs = [y, try graph.add(.flatten(Flatten(axis: 0)), [y], name: "z"), x]
    let session = try Session(graph)
    let first = try session.run([Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])])
    let second = try session.run([Tensor([6, 5, 4, 3, 2, 1] as [Float], shape: [2, 3])])
    for output in first { #expect(output.array(of: Float.self) == [1, 2, 3, 4, 5, 6]) }
    for output in second { #expect(output.array(of: Float.self) == [6, 5, 4, 3, 2, 1]) }
    #expect(first[1].shape == [1, 6])
  }

  @Test func threadsShareEveryTaskOnce() {
    let pool = ThreadPool(count: 4)
    let counts = Region(count: 4 * 1_000)
    let slots = counts.base.bindMemory(to: Int32.self, capacity: 1_000)
    slots.initialize(repeating: 0, count: 1_000)
    let step = Step(phases: [1_000, 1_000], kernel: "test") { work in slots[work.task] += 1 }
    let table = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 1)
    let failure = UnsafeMutablePointer<Failure>.allocate(capacity: 1)
    defer {
      table.deallocate()
      failure.deallocate()
    }
    for _ in 0..<50 { pool.run(step, Memory(table: table, failure: failure)) }
    for i in 0..<1_000 { #expect(slots[i] == 100) }
    withExtendedLifetime(counts) {}
  }
}
