import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// Sessions that share a model's packed weights.
struct SharedModelTests {
  /// x [n, 64] times a dense and a sparse weight, the second of whose products folds to a constant when shapes are
  /// known.
  private func graph() throws -> Graph {
    var graph = Graph(name: "shared")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(64)]))
    var sparse = random([64, 96], seed: 2).floats ?? []
    for i in sparse.indices where i % 10 != 0 { sparse[i] = 0 }
    let a = graph.addConstant("a", random([64, 64], seed: 1))
    let b = graph.addConstant("b", Tensor(sparse, shape: [64, 96]))
    let y = try graph.add(.matMul(MatMul()), [x, a], name: "first")
    graph.outputs = [try graph.add(.matMul(MatMul()), [y, b], name: "second")]
    return graph
  }

  @Test func packsOnce() throws {
    let graph = try graph()
    let alone = Session(try SharedModel(graph), threads: 1)
    let x = random([8, 64], seed: 3)
    let expected = try Session(graph).run([x])
    #expect(try alone.run([x]) == expected)
    let model = try SharedModel(graph)
    var sessions: [Session] = []
    for threads in [1, 2, 1] {
      let session = Session(model, threads: threads)
      #expect(try session.run([x]) == expected)
      #expect(session.packedWeightBytes == alone.packedWeightBytes)
      sessions.append(session)
    }
    #expect(model.weights.cache.byteCount == alone.packedWeightBytes)
    #expect(alone.packedWeightBytes > 64 * 64 * 4)
  }

  /// What folding makes of a model's constants once shapes are known goes with its session.
  @Test func derivedWeightsAreNotKept() throws {
    var graph = Graph(name: "derived")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(64)]))
    let size = try graph.add(.shapeOf(ShapeOf()), [x], name: "shape")
    let scale = try graph.add(.cast(Cast(to: .float32)), [size], name: "scale")
    let first = try graph.add(
      .gather(Gather()), [scale, graph.addConstant("one", Tensor([1] as [Int64]))], name: "64")
    let w = try graph.add(
      .binary(Binary(.mul)), [graph.addConstant("w", random([64, 64], seed: 1)), first],
      name: "scaled")
    graph.outputs = [try graph.add(.matMul(MatMul()), [x, w], name: "y")]
    let model = try SharedModel(graph)
    let input = random([8, 64], seed: 3)
    let expected = try Session(graph).run([input])
    for _ in 0..<3 {
      let session = Session(model, threads: 1)
      #expect(try session.run([input]) == expected)
      #expect(session.packedWeightBytes > 0)
    }
    #expect(model.weights.cache.byteCount == 0)
  }

  @Test func threadsRunAtOnce() throws {
    let graph = try graph()
    let model = try SharedModel(graph)
    let inputs = (0..<6).map { random([8, 64], seed: 10 + $0) }
    let expected = try inputs.map { try Session(graph).run([$0]) }
    let results = Results(count: inputs.count)
    DispatchQueue.concurrentPerform(iterations: inputs.count) { i in
      let session = Session(model, threads: 1)
      for _ in 0..<20 { results[i] = try? session.run([inputs[i]]) }
    }
    for i in inputs.indices { #expect(results[i] == expected[i]) }
  }
}

private final class Results: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [[Tensor]?]

  init(count: Int) { values = Array(repeating: nil, count: count) }

  subscript(i: Int) -> [Tensor]? {
    get { lock.withLock { values[i] } }
    set { lock.withLock { values[i] = newValue } }
  }
}
