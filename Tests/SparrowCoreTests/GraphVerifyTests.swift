import SparrowCore
import Testing

@Suite struct GraphVerifyTests {
  /// x -> Relu -> h -> Add(h, c) -> y, with values 0 ... 3 in the order x, h, c, y.
  private func valid() throws -> Graph {
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, shape: [2, 3]))
    let h = try graph.add(.unary(Unary(.relu)), [x], name: "h")
    let c = graph.addConstant("c", Tensor([Float(1), 2, 3]))
    graph.outputs = [try graph.add(.binary(Binary(.add)), [h, c], name: "y")]
    return graph
  }

  /// One way to break a graph, and what verify says of it.
  struct Fault: Sendable, CustomTestStringConvertible {
    var reason: String
    var apply: @Sendable (inout Graph) -> Void
    var testDescription: String { reason }

    init(_ reason: String, _ apply: @escaping @Sendable (inout Graph) -> Void) {
      (self.reason, self.apply) = (reason, apply)
    }
  }

  private static let faults: [Fault] = [
    Fault("graph output 'loose' is made by no node") { graph in
      graph.outputs.append(graph.addValue("loose"))
    },
    Fault("the graph's inputs and outputs: value 99 does not exist") { $0.outputs = [ValueID(99)] },
    Fault("the graph's inputs and outputs: value -1 does not exist") { $0.inputs = [ValueID(-1)] },
    Fault("Relu 'h': value 99 does not exist") { $0.nodes[0].inputs = [ValueID(99)] },
    Fault("Add 'y': value 4 does not exist") { $0.nodes[1].outputs = [ValueID(4)] },
    Fault("graph input 'x' is listed twice or is a constant") { $0.inputs.append($0.inputs[0]) },
    Fault("graph input 'c' is listed twice or is a constant") { $0.inputs.append(ValueID(2)) },
    Fault("graph input 'x' has no type") { $0.values[0].type = nil },
    Fault("Add 'y' reads 'h' before any node makes it") { $0.nodes.swapAt(0, 1) },
    Fault("Relu 'h' reads 'y' before any node makes it") { $0.nodes[0].inputs = [ValueID(3)] },
    Fault("Relu 'h' has no output") { $0.nodes[0].outputs = [] },
    Fault("Add 'y' makes 'h', which exists already") { $0.nodes[1].outputs = [ValueID(1)] },
    Fault("Add 'y' makes 'c', which exists already") { $0.nodes[1].outputs = [ValueID(2)] },
    Fault("Add 'y' makes 'x', which exists already") { $0.nodes[1].outputs = [ValueID(0)] },
    Fault("value 1 has no name") { $0.values[1].name = "" },
    Fault("two values have the name 'x'") { $0.values[1].name = "x" },
    Fault("constant 'c' differs from its declared type") {
      $0.values[2].type = TensorType(.float32, shape: [4])
    },
    Fault("Add 'y': input 1 is missing") { $0.nodes[1].inputs = [ValueID(1)] },
    Fault("Add 'y': its output is declared i64, inferred f32") {
      $0.values[3].type = TensorType(.int64, shape: [2, 3])
    },
    Fault("Relu 'h': it has 2 outputs, expected 1") { graph in
      graph.nodes[0].outputs.append(graph.addValue("extra"))
    },
    Fault("Add 'y': dimensions 4 and 3 at axis 1 cannot be broadcast together") {
      $0.values[0].type = TensorType(.float32, shape: [2, 4])
      $0.values[1].type = nil
    },
  ]

  @Test func acceptsAValidGraph() throws {
    try valid().verify()
    try Graph(name: "empty").verify()
  }

  @Test(arguments: faults) func refuses(fault: Fault) throws {
    var graph = try valid()
    fault.apply(&graph)
    let error = #expect(throws: GraphError.self) { try graph.verify() }
    #expect(error?.message == fault.reason)
  }

  @Test func valuesThatNothingDefinesMayShareNames() throws {
    var graph = try valid()
    graph.addValue("x")
    graph.addValue("")
    try graph.verify()
  }
}
