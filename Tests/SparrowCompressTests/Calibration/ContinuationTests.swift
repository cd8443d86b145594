import SparrowCore
import Testing

@testable import SparrowCompress

/// What a layer ought to give, by what comes after it.
struct ContinuationTests {
  private struct Sample {
    var graph = Graph()
    var output: ValueID
    var node: Int
    var continuation: Continuation {
      Continuation(
        of: output, madeBy: node, graph, graph.consumers(), graph.producers())
    }
  }

  /// y of two channels, two positions; batch normalisation 2 y + 1 and -y; a sum; a clip to 0...6.
  private func sample(reads twice: Bool = false) throws -> Sample {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [1, 1, 1, 2]))
    let s = graph.addInput("s", TensorType(.float32, shape: [1, 2, 1, 2]))
    let w = graph.addConstant("w", Tensor([Float](repeating: 1, count: 2), shape: [2, 1, 1, 1]))
    let y = try graph.add(.conv(Conv()), [x, w], name: "y")
    let parameters: [[Float]] = [[2, -1], [1, 0], [0, 0], [1, 1]]
    let constants = parameters.enumerated().map { graph.addConstant("p\($0)", Tensor($1)) }
    var norm = BatchNormalization()
    norm.epsilon = 0
    let b = try graph.add(.batchNormalization(norm), [y] + constants, name: "b")
    let z = try graph.add(.binary(Binary(.add)), [b, s], name: "z")
    let (low, high) = (
      graph.addConstant("low", Tensor(scalar: Float(0))),
      graph.addConstant("high", Tensor(scalar: Float(6)))
    )
    graph.outputs = [try graph.add(.clip(Clip()), [z, low, high], name: "c")]
    if twice { graph.outputs.append(y) }
    return Sample(graph: graph, output: y, node: 0)
  }

  @Test func followsNormalisationSumAndRange() throws {
    let sample = try sample()
    let found = sample.continuation
    #expect(found.scale == [2, -1])
    #expect(found.shift == [1, 0])
    #expect(found.addend.map { sample.graph[$0].name } == "s")
    #expect(found.range == 0...6)
  }

  @Test func stopsAtASecondReader() throws {
    let found = try sample(reads: true).continuation
    #expect(found.scale == nil && found.addend == nil && found.range == nil)
  }

  @Test func targetsComeOutRight() throws {
    let continuation = try sample().continuation
    func plane(_ values: [Float]) -> Tensor { Tensor(values, shape: [1, 2, 1, 2]) }
    // Wanted before the clip: 2 y + 1 + s = 4, -5 (below); -y + s = 8 (above), 1.
    let (wanted, wantedAddend) = (plane([1, -3, -7, 1]), plane([1, 0, 1, 2]))
    // The addend has errors; the layer gives -2 and 9 now where values are out of range.
    let (addend, current) = (plane([0, 1, 2, 2.5]), plane([0, -2, -7, 0]))
    let target = continuation.target(
      wanted: wanted, wantedAddend: wantedAddend, addend: addend, current: current, bias: [0, 0])
    let y = target.array(of: Float.self)
    // Inside the range the sum is made exact: 2 y + 1 + 0 = 4, -y + 2.5 = 1.
    #expect(y[0] == 1.5)
    #expect(y[3] == 1.5)
    // Outside, what the layer gives will do: its own outputs are the targets.
    #expect(y[1] == -2)
    #expect(y[2] == -7)
    // A value on the wrong side is asked to come to the edge only: 2 y + 1 + 1 = 0.
    let wrong = continuation.target(
      wanted: wanted, wantedAddend: wantedAddend, addend: addend, current: plane([0, 5, -7, 0]),
      bias: [0, 0])
    #expect(wrong.array(of: Float.self)[1] == -1)
  }
}
