import SparrowCore
import Testing

@Suite struct ControlFlowTests {
  /// An If over x and y whose then-branch is itself one.
  private static func graph(condition: Bool?) throws -> Graph {
    var graph = Graph(name: "net")
    let type = TensorType(.float32, shape: [2])
    let c =
      switch condition {
      case nil: graph.addInput("c", TensorType(.bool, []))
      case let value?: graph.addConstant("c", Tensor(scalar: value))
      }
    let (x, y) = (graph.addInput("x", type), graph.addInput("y", type))
    let inner = If(
      then: ControlFlowSamples.branch(.unary(Unary(.neg))),
      else: ControlFlowSamples.branch(.unary(Unary(.abs))))
    let outer = If(
      then: ControlFlowSamples.subgraph([("x", type), ("y", type)], captures: 2) { graph, ids in
        let c = graph.addConstant("c", Tensor(scalar: false))
        let made = try graph.add(.if(inner), [c, ids[1], ids[0]], name: "made")
        return [made, made, ids[0]]
      },
      else: ControlFlowSamples.subgraph([("x", type), ("y", type)], captures: 2) { graph, ids in
        [graph.addConstant("k", Tensor([Float(1), 2])), ids[1], ids[1]]
      })
    graph.outputs = try graph.add(.if(outer), [c, x, y], name: "if", outputs: ["p", "q", "r"])
    try graph.verify()
    return graph
  }

  @Test func textShowsBranches() throws {
    #expect(
      try Self.graph(condition: nil).text == """
        graph net(%c: bool[], %x: f32[2], %y: f32[2]) -> (%p, %q, %r)
          %p: f32[2], %q: f32[2], %r: f32[2] = If(%c, %x, %y)
            then_branch(%x: f32[2], %y: f32[2]) -> (%made, %made, %x)
              %made: f32[2] = If(0.0, %y, %x)
                then_branch(%x: f32[*], %y: f32[*]) -> (%result)
                  %result: f32[*] = Neg(%x)
                else_branch(%x: f32[*], %y: f32[*]) -> (%result)
                  %result: f32[*] = Abs(%x)
            else_branch(%x: f32[2], %y: f32[2]) -> (@k: f32[2], %y, %y)

        """)
  }

  @Test func takenBranchesAreInlined() throws {
    var graph = try Self.graph(condition: true)
    #expect(graph.inlineBranches() == 2)
    try graph.verify()
    #expect(
      graph.text == """
        graph net(%x: f32[2], %y: f32[2]) -> (%p, %q, %r)
          %p: f32[2] = Abs(%y)
          %q: f32[2] = Identity(%p)
          %r: f32[2] = Identity(%x)

        """)
    graph = try Self.graph(condition: false)
    #expect(graph.inlineBranches() == 1)
    try graph.verify()
    #expect(
      graph.text == """
        graph net(%x: f32[2], %y: f32[2]) -> (%p, %q, %r)
          %p: f32[2] = Identity(@k: f32[2])
          %q: f32[2] = Identity(%y)
          %r: f32[2] = Identity(%y)

        """)
  }

  @Test func unknownConditionsStay() throws {
    var graph = try Self.graph(condition: nil)
    let text = graph.text
    #expect(graph.inlineBranches() == 0)
    #expect(graph.text == text)
    let condition = graph.inputs[0]
    #expect(graph.inlineBranches { graph, id in id == condition ? false : nil } == 1)
    try graph.verify()
  }

  @Test func inlinedValuesGetFreeNames() throws {
    var graph = Graph(name: "net")
    let c = graph.addConstant("c", Tensor(scalar: true))
    let x = graph.addInput("x", TensorType(.float32, shape: [2]))
    let h = try graph.add(.unary(Unary(.relu)), [x], name: "h")
    let branch = ControlFlowSamples.subgraph(
      [("x", TensorType(.float32, shape: [2]))], captures: 1
    ) { graph, ids in
      let h = try graph.add(.unary(Unary(.neg)), [ids[0]], name: "h")
      let k = graph.addConstant("c", Tensor([Float(3), 4]))
      return [try graph.add(.binary(Binary(.mul)), [h, k], name: "x_1")]
    }
    graph.outputs = [try graph.add(.if(If(then: branch, else: branch)), [c, h], name: "y")]
    #expect(graph.inlineBranches() == 1)
    try graph.verify()
    #expect(
      graph.text == """
        graph net(%x: f32[2]) -> (%y)
          %h: f32[2] = Relu(%x)
          %h_1: f32[2] = Neg(%h)
          %y: f32[2] = Mul(%h_1, @c_1: f32[2])

        """)
  }

  @Test func verifyLooksIntoSubgraphs() throws {
    var graph = try Self.graph(condition: nil)
    graph.nodes[0].op.mapSubgraphs { $0.graph.values[0].name = $0.graph.values[1].name }
    #expect(
      throws: GraphError.invalid(
        "in a subgraph of If 'if': two values have the name 'y'")
    ) { try graph.verify() }
  }

  /// Graphs inside graphs; each level doubles or triples what inference costs.
  @Test(arguments: [(4, true), (33, false)]) func nestingIsLimited(depth: Int, isFine: Bool) throws
  {
    let type = TensorType(.float32, shape: [2])
    var graph = Graph(name: "leaf")
    let x = graph.addInput("x", type)
    graph.outputs = [try graph.add(.unary(Unary(.relu)), [x], name: "y")]
    for _ in 0..<depth {
      let body = Subgraph(graph, captures: 1)
      graph = Graph(name: "level")
      let x = graph.addInput("x", type)
      let (c, y) = (graph.addConstant("c", Tensor(scalar: true)), graph.addValue("y", type))
      let op = Op.if(If(then: body, else: body))
      graph.nodes = [Node(name: "y", op: op, inputs: [c, x], outputs: [y])]
      graph.outputs = [y]
    }
    if isFine {
      try graph.verify()
    } else {
      #expect(throws: GraphError.self) { try graph.verify() }
    }
  }

  @Test func equalityAndHashIgnoreWhatDoesNotMatter() throws {
    let a = ControlFlowSamples.branch(.unary(Unary(.relu)))
    var b = a
    b.graph.nodes[0].name = "other"
    #expect(a == b)
    #expect(a.hashValue == b.hashValue)
    b.graph.nodes[0].op = .unary(Unary(.neg))
    #expect(a != b)
    b = a
    b.captures = 1
    #expect(a != b)
  }

  @Test func subgraphsAreThoseThatAttributesShow() {
    for op in Op.catalogue {
      var finder = SubgraphFinder()
      var copy = op
      copy.visitAttributes(&finder)
      #expect(finder.found == op.subgraphs)
      var marked = op
      marked.mapSubgraphs { $0.captures = 7 }
      #expect(marked.subgraphs.allSatisfy { $0.captures == 7 })
    }
  }
}

private struct SubgraphFinder: AttributeVisitor {
  var found: [Subgraph] = []
  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout String) throws(Never) {}
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Never) {}
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Never) {
    found.append(value)
  }
}
