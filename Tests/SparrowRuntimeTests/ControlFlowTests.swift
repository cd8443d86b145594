import SparrowCore
import SparrowRuntime
import Testing

/// If, Loop and Scan as the runtime runs them.
@Suite struct ControlFlowTests {
  private static let anyFloats = TensorType(.float32, nil)

  /// A graph of one node, whose inputs are all inputs of the graph.
  private static func graph(
    _ op: Op, _ inputs: [TensorType?], outputs: [String]
  ) throws -> Graph {
    var graph = Graph(name: "outer")
    var ids: [ValueID?] = []
    for (i, type) in inputs.enumerated() { ids.append(type.map { graph.addInput("in\(i)", $0) }) }
    graph.outputs = try graph.add(op, ids, name: "node", outputs: outputs)
    return graph
  }

  /// then: relu(x) and its shape; else: x joined with itself. Their results' shapes differ.
  private static func branches() throws -> If {
    var yes = Graph(name: "yes")
    let x = yes.addInput("x", anyFloats)
    yes.outputs = [try yes.add(.unary(Unary(.relu)), [x], name: "r")]
    var no = Graph(name: "no")
    let z = no.addInput("x", anyFloats)
    no.outputs = [try no.add(.concat(Concat(axis: 0)), [z, z], name: "twice")]
    return If(then: Subgraph(yes, captures: 1), else: Subgraph(no, captures: 1))
  }

  @Test func theConditionPicksABranchInEachRun() throws {
    let graph = try Self.graph(
      .if(try Self.branches()), [TensorType(.bool, []), TensorType(.float32, [.symbol("n")])],
      outputs: ["y"])
    let session = try Session(graph)
    let x = Tensor([Float(-1), 2])
    for condition in [true, false, true, false] {
      let expected = condition ? Tensor([Float(0), 2]) : Tensor([Float(-1), 2, -1, 2])
      #expect(try session.run([Tensor(scalar: condition), x]) == [expected])
    }
  }

  @Test func aKnownConditionLeavesNoBranch() throws {
    var graph = Graph(name: "outer")
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let condition = graph.addConstant("condition", Tensor(scalar: false))
    graph.outputs = [try graph.add(.if(try Self.branches()), [condition, x], name: "y")]
    let session = try Session(graph)
    #expect(session.graph.nodes.map { $0.op.name } == ["Concat"])
    #expect(try session.run([Tensor([Float(1), 2])]) == [Tensor([Float(1), 2, 1, 2])])
  }

  /// sum += step, until it reaches the limit; the sum before each round is stacked.
  private static func counting(limit: Float) throws -> Loop {
    var body = Graph(name: "body")
    _ = body.addInput("round", TensorType(.int64, []))
    _ = body.addInput("condition", TensorType(.bool, []))
    let sum = body.addInput("sum", anyFloats)
    let step = body.addInput("step", anyFloats)
    let bound = body.addConstant("bound", Tensor(scalar: limit))
    let next = try body.add(.binary(Binary(.add)), [sum, step], name: "next")
    let goesOn = try body.add(.binary(Binary(.less)), [next, bound], name: "goes_on")
    let kept = try body.add(.identity(Identity()), [sum], name: "kept")
    body.outputs = [goesOn, next, kept]
    return Loop(body: Subgraph(body, captures: 1))
  }

  @Test(arguments: [(nil, 5), (3, 3), (0, 0), (100, 5)] as [(Int64?, Int)])
  func loopsEndByCountOrCondition(trips: Int64?, rounds: Int) throws {
    let scalar = TensorType(.float32, [])
    let graph = try Self.graph(
      .loop(try Self.counting(limit: 10)),
      [trips == nil ? nil : TensorType(.int64, []), nil, scalar, scalar],
      outputs: ["sum", "sums"])
    let session = try Session(graph)
    let given =
      (trips.map { [Tensor(scalar: $0)] } ?? []) + [
        Tensor(scalar: Float(0)), Tensor(scalar: Float(2)),
      ]
    let expected = [
      Tensor(scalar: Float(2 * rounds)),
      Tensor((0..<rounds).map { Float(2 * $0) }, shape: [rounds]),
    ]
    #expect(try session.run(given) == expected)
    #expect(try session.run(given) == expected)
  }

  @Test func carriedShapesMayGrow() throws {
    var body = Graph(name: "body")
    let round = body.addInput("round", TensorType(.int64, []))
    let condition = body.addInput("condition", TensorType(.bool, []))
    let list = body.addInput("list", TensorType(.int64, nil))
    let zero = body.addConstant("zero", Tensor([Int64(0)]))
    let row = try body.add(.unsqueeze(Unsqueeze()), [round, zero], name: "row")
    let longer = try body.add(.concat(Concat(axis: 0)), [list, row], name: "longer")
    body.outputs = [condition, longer]
    let graph = try Self.graph(
      .loop(Loop(body: Subgraph(body, captures: 0))),
      [TensorType(.int64, []), nil, TensorType(.int64, [.symbol("n")])], outputs: ["y"])
    let session = try Session(graph)
    #expect(
      try session.run([Tensor(scalar: Int64(4)), Tensor([Int64(-1)])]) == [
        Tensor([Int64(-1), 0, 1, 2, 3])
      ])
  }

  /// Running sums over rows (axis 0) or columns (axis 1), in either direction.
  @Test(
    arguments: [
      (0, 0, 0, [9, 12], [1, 2, 4, 6, 9, 12], [3, 2]),
      (0, 1, 0, [9, 12], [5, 6, 8, 10, 9, 12], [3, 2]),
      (0, 1, 1, [9, 12], [9, 12, 8, 10, 5, 6], [3, 2]),
      (1, 0, 0, [3, 7, 11], [1, 3, 3, 7, 5, 11], [3, 2]),
    ] as [(Int, Int, Int, [Float], [Float], [Int])])
  func scansRunAlongAxes(
    axis: Int, inward: Int, outward: Int, last: [Float], all: [Float], shape: [Int]
  ) throws {
    var body = Graph(name: "body")
    let sum = body.addInput("sum", Self.anyFloats)
    let slice = body.addInput("slice", Self.anyFloats)
    let next = try body.add(.binary(Binary(.add)), [sum, slice], name: "next")
    let kept = try body.add(.identity(Identity()), [next], name: "kept")
    body.outputs = [next, kept]
    var op = Scan(body: Subgraph(body, captures: 0))
    (op.inputAxes, op.outputAxes) = ([axis], [axis])
    (op.inputDirections, op.outputDirections) = ([inward], [outward])
    let graph = try Self.graph(
      .scan(op), [TensorType(.float32, [.unknown]), TensorType(.float32, shape: [3, 2])],
      outputs: ["last", "all"])
    let x = Tensor((1...6).map { Float($0) }, shape: [3, 2])
    let start = Tensor([Float](repeating: 0, count: last.count))
    #expect(
      try Session(graph).run([start, x]) == [Tensor(last), Tensor(all, shape: shape)])
  }

  @Test func errorsInABodyName() throws {
    let graph = try Self.graph(
      .loop(try Self.counting(limit: 10)),
      [TensorType(.int64, nil), nil, TensorType(.float32, nil), TensorType(.float32, nil)],
      outputs: ["sum", "sums"])
    let session = try Session(graph)
    let two = Tensor([Float(1), 2])
    // The condition becomes a vector.
    #expect(throws: RuntimeError.self) { try session.run([Tensor(scalar: Int64(3)), two, two]) }
    #expect(throws: RuntimeError.self) {
      try session.run([Tensor([Int64(3), 4]), two, Tensor(scalar: Float(1))])
    }
  }
}
