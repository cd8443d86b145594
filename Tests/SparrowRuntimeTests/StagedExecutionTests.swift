import SparrowCore
import SparrowRuntime
import Testing

/// Graphs whose shapes depend on values.
@Suite struct StagedExecutionTests {
  /// y = relu(x) at the places where x is not 0, once more as rows of `[count, 1]`, and their number.
  private static func selection() throws -> Graph {
    var graph = Graph(name: "selection")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n")]))
    let relu = try graph.add(.unary(Unary(.relu)), [x], name: "relu")
    let places = try graph.add(.nonZero(NonZero()), [x], name: "places")
    let rows = try graph.add(.transpose(Transpose([1, 0])), [places], name: "rows")
    let y = try graph.add(.gatherND(GatherND()), [relu, rows], name: "y")
    let minusOne = graph.addConstant("shape", Tensor([Int64(-1), 1]))
    let column = try graph.add(.reshape(Reshape()), [y, minusOne], name: "column")
    let shape = try graph.add(.shapeOf(ShapeOf()), [y], name: "count")
    graph.outputs = [y, column, shape, x]
    return graph
  }

  @Test func runsNodesWhoseShapesDependOnData() throws {
    let session = try Session(try Self.selection(), options: SessionOptions(threads: 2))
    // The last goes the way of the first again, with other values.
    for values in [[1, 0, -2, 3], [0, 0, 0, 0], [5, 6, 7, 8], [1], [-4, 0, 9, 1]] as [[Float]] {
      let x = Tensor(values)
      let kept = values.filter { $0 != 0 }.map { max($0, 0) }
      let found = try session.run([x])
      #expect(
        found == [
          Tensor(kept), Tensor(kept, shape: [kept.count, 1]), Tensor([Int64(kept.count)]), x,
        ])
    }
  }

  /// A reshape whose shape is an input, and a second one whose shape is computed from it.
  @Test func valuesThatAreShapesBecomeConstants() throws {
    var graph = Graph(name: "shapes")
    let x = graph.addInput("x", TensorType(.float32, shape: [12]))
    let shape = graph.addInput("shape", TensorType(.int64, shape: [2]))
    let first = try graph.add(.reshape(Reshape()), [x, shape], name: "first")
    let half = graph.addConstant("half", Tensor([Int64(2), 1]))
    let twice = graph.addConstant("twice", Tensor([Int64(1), 2]))
    let smaller = try graph.add(.binary(Binary(.div)), [shape, half], name: "smaller")
    let other = try graph.add(.binary(Binary(.mul)), [smaller, twice], name: "other")
    let negated = try graph.add(.unary(Unary(.neg)), [first], name: "negated")
    graph.outputs = [try graph.add(.reshape(Reshape()), [negated, other], name: "second")]
    let session = try Session(graph)
    let values = (0..<12).map { Float($0) }
    for rows in [4, 2, 6, 12, 4] {
      let given = Tensor([Int64(rows), Int64(12 / rows)])
      let expected = Tensor(values.map { -$0 }, shape: [rows / 2, 24 / rows])
      #expect(try session.run([Tensor(values), given]) == [expected])
    }
    #expect(throws: RuntimeError.self) {
      try session.run([Tensor(values), Tensor([Int64(5), 5])])
    }
    // An error leaves the session as it was.
    let given = Tensor([Int64(12), Int64(1)])
    #expect(try session.run([Tensor(values), given]).first?.shape == [6, 2])
  }

  @Test func profilesEveryStage() throws {
    let session = try Session(try Self.selection())
    let (outputs, steps) = try session.profile([Tensor([Float(1), 0, 2])])
    #expect(outputs.first == Tensor([Float(1), 2]))
    #expect(steps.contains { $0.kernel == "reference" && $0.node.contains("NonZero") })
    #expect(steps.contains { $0.node.contains("GatherND") })
  }

  @Test func constantsFoldThroughDataDependentOperators() throws {
    var graph = Graph(name: "constant")
    let x = graph.addInput("x", TensorType(.int64, [.symbol("n")]))
    let mask = graph.addConstant("mask", Tensor([true, false, true]))
    let places = try graph.add(.nonZero(NonZero()), [mask], name: "places")
    graph.outputs = [try graph.add(.gather(Gather()), [x, places], name: "y")]
    let session = try Session(graph)
    #expect(session.graph.nodes.count == 1)
    #expect(
      try session.run([Tensor([Int64(7), 8, 9])]) == [Tensor([Int64(7), 9], shape: [1, 2])])
  }
}
