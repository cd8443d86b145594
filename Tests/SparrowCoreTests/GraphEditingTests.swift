import SparrowCore
import SparrowTestSupport
import Testing

@Suite struct GraphEditingTests {
  private func relu(_ graph: inout Graph, _ x: ValueID, _ name: String) throws -> ValueID {
    try graph.add(.unary(Unary(.relu)), [x], name: name)
  }

  private func add(
    _ graph: inout Graph, _ a: ValueID, _ b: ValueID, _ name: String
  ) throws -> ValueID {
    try graph.add(.binary(Binary(.add)), [a, b], name: name)
  }

  @Test func consumersAndProducers() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let h = try relu(&graph, x, "h")
    let twice = try add(&graph, h, h, "twice")
    let y = try add(&graph, twice, h, "y")
    graph.outputs = [y]
    #expect(graph.consumers() == [[0], [1, 2], [2], []])
    #expect(graph.producers() == [nil, 0, 1, 2])
  }

  @Test func trailingAbsentInputsAreDropped() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    _ = try graph.add(.clip(Clip()), [x, nil, nil], name: "y")
    #expect(graph.nodes[0].inputs == [x])
    #expect(graph.nodes[0].input(1) == nil)
  }

  @Test func unusedNames() {
    var graph = Graph()
    graph.addValue("a")
    graph.addValue("a_1")
    #expect(graph.unusedName("b") == "b")
    #expect(graph.unusedName("a") == "a_2")
  }

  @Test func replaceUses() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let h = try relu(&graph, x, "h")
    let y = try add(&graph, h, h, "y")
    graph.outputs = [y]
    let replaced = graph.replaceUses(of: h, with: x)
    #expect(replaced)
    #expect(graph.nodes[1].inputs == [x, x])
    try graph.verify()
  }

  @Test func replacedOutputKeepsItsName() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let h = try relu(&graph, x, "h")
    let y = try relu(&graph, h, "y")
    graph.outputs = [y]
    let replaced = graph.replaceUses(of: y, with: h)
    #expect(replaced)
    #expect(graph.outputs == [h])
    #expect(graph[h].name == "y")
    let removed = graph.removeDeadNodes()
    #expect(removed == 1)
    try graph.verify()
  }

  @Test func outputsAreNotReplacedByInputsOrOutputs() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let h = try relu(&graph, x, "h")
    let y = try relu(&graph, h, "y")
    graph.outputs = [h, y]
    let before = graph.text
    let byInput = graph.replaceUses(of: y, with: x)
    #expect(!byInput)
    let byOutput = graph.replaceUses(of: y, with: h)
    #expect(!byOutput)
    #expect(graph.text == before)
  }

  @Test func removesDeadNodesAndUnusedValues() throws {
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let c = graph.addConstant("c", Tensor([Float(1), 2]))
    let dead = try add(&graph, x, c, "dead")
    _ = try relu(&graph, dead, "deader")
    let y = try relu(&graph, x, "y")
    graph.outputs = [y]
    let removed = graph.removeDeadNodes()
    #expect(removed == 2)
    let again = graph.removeDeadNodes()
    #expect(again == 0)
    graph.removeUnusedValues()
    #expect(graph.values.map { $0.name } == ["x", "y"])
    #expect(graph.text == "graph g(%x: f32[2]) -> (%y)\n  %y: f32[2] = Relu(%x)\n")
    try graph.verify()
  }

  @Test func unusedInputsStay() throws {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    graph.addInput("unused", TensorType(.float32, shape: [2]))
    graph.outputs = [try relu(&graph, x, "y")]
    graph.removeUnusedValues()
    #expect(graph.inputs.map { graph[$0].name } == ["x", "unused"])
  }

  @Test func sortKeepsAnOrderThatIsRight() throws {
    var graph = try randomGraph(nodes: 40, seed: 5)
    let names = graph.nodes.map { $0.name }
    try graph.sortNodes()
    #expect(graph.nodes.map { $0.name } == names)
  }

  @Test(arguments: 1...20) func sortsAnyOrder(seed: UInt64) throws {
    var graph = try randomGraph(nodes: 30, seed: seed)
    var random = SeededGenerator(seed: seed &+ 100)
    graph.nodes.shuffle(using: &random)
    try graph.sortNodes()
    try graph.verify()
    #expect(graph.nodes.count == 30)
  }

  @Test func sortRefusesCycles() throws {
    for length in 1...4 {
      var graph = try randomGraph(nodes: 3, seed: 1)
      let start = graph.nodes.count
      let ids = (0..<length).map { graph.addValue("loop\($0)", TensorType(.float32, shape: [2])) }
      for i in 0..<length {
        graph.nodes.append(
          Node(
            name: "loop\(i)", op: .unary(Unary(.relu)), inputs: [ids[(i + length - 1) % length]],
            outputs: [ids[i]]))
      }
      #expect(graph.nodes.count == start + length)
      #expect(
        throws: GraphError.invalid("Relu 'loop0' depends on its own output: the graph has a cycle")
      ) {
        try graph.sortNodes()
      }
    }
  }

  /// Nodes that read any earlier value, several times too.
  private func randomGraph(nodes: Int, seed: UInt64) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph()
    var made = [graph.addInput("x", TensorType(.float32, shape: [2]))]
    for i in 0..<nodes {
      let a = made[Int.random(in: 0..<made.count, using: &random)]
      let b = made[Int.random(in: 0..<made.count, using: &random)]
      made.append(try add(&graph, a, b, "n\(i)"))
    }
    graph.outputs = [made[made.count - 1]]
    return graph
  }
}
