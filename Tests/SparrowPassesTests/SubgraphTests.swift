import SparrowCore
import SparrowPasses
import Testing

/// Passes on graphs inside nodes, and on those nodes.
@Suite struct SubgraphTests {
  /// If over x: a doubled Relu of x times w, or x itself through an Identity.
  private static func graph(condition: Bool?) throws -> Graph {
    let type = TensorType(.float32, shape: [2, 2])
    var first = Graph(name: "first")
    let (x, w) = (first.addInput("x", type), first.addInput("w", type))
    let a = try first.add(.matMul(MatMul()), [x, w], name: "a")
    let b = try first.add(.matMul(MatMul()), [x, w], name: "b")
    let p = try first.add(.unary(Unary(.relu)), [a], name: "p")
    let q = try first.add(.unary(Unary(.relu)), [b], name: "q")
    first.outputs = [try first.add(.binary(Binary(.add)), [p, q], name: "sum")]
    var second = Graph(name: "second")
    let (y, v) = (second.addInput("x", type), second.addInput("w", type))
    let copy = try second.add(.identity(Identity()), [y], name: "copy")
    second.outputs = [try second.add(.binary(Binary(.sub)), [copy, v], name: "difference")]

    var graph = Graph(name: "net")
    let c =
      switch condition {
      case nil: graph.addInput("c", TensorType(.bool, []))
      case let value?: graph.addConstant("c", Tensor(scalar: value))
      }
    let input = graph.addInput("x", type)
    let constant = graph.addConstant("w", Tensor([Float(1), 2, 3, 4], shape: [2, 2]))
    let op = If(then: Subgraph(first, captures: 2), else: Subgraph(second, captures: 2))
    graph.outputs = [try graph.add(.if(op), [c, input, constant], name: "y")]
    return graph
  }

  @Test func passesRunInsideBranches() throws {
    var graph = try Self.graph(condition: nil)
    let log = try PassDriver(pipeline: .cleanup).run(&graph)
    #expect(
      graph.text == """
        graph net(%c: bool[], %x: f32[2,2]) -> (%y)
          %y: f32[2,2] = If(%c, %x, @w: f32[2,2])
            then_branch(%x: f32[2,2], %w: f32[2,2]) -> (%sum)
              %a: f32[2,2] = MatMul(%x, %w)
              %p: f32[2,2] = Relu(%a)
              %sum: f32[2,2] = Add(%p, %p)
            else_branch(%x: f32[2,2], %w: f32[2,2]) -> (%difference)
              %difference: f32[2,2] = Sub(%x, %w)

        """)
    #expect(
      Set(log.map { $0.pass }) == [CommonSubexpressions.name, IdentityRemoval.name, DeadCode.name])
  }

  @Test func deploymentGivesBodiesTheirConstants() throws {
    var graph = try Self.graph(condition: nil)
    try PassDriver(pipeline: .deployment).run(&graph)
    try graph.verify()
    #expect(
      graph.text == """
        graph net(%c: bool[], %x: f32[2,2]) -> (%y)
          %y: f32[2,2] = If(%c, %x)
            then_branch(%x: f32[2,2]) -> (%sum)
              %p: f32[2,2] = MatMul(%x, @w: f32[2,2]) {activation=relu}
              %sum: f32[2,2] = Add(%p, %p)
            else_branch(%x: f32[2,2]) -> (%difference)
              %difference: f32[2,2] = Sub(%x, @w: f32[2,2])

        """)
  }

  @Test func aKnownConditionLeavesOneBranch() throws {
    var graph = try Self.graph(condition: false)
    try PassDriver(pipeline: .cleanup).run(&graph)
    #expect(
      graph.text == """
        graph net(%x: f32[2,2]) -> (%y)
          %y: f32[2,2] = Sub(%x, @w: f32[2,2])

        """)
  }

  @Test func changesInsideCountForTheLimit() throws {
    var graph = try Self.graph(condition: nil)
    let options = PassOptions(stopAfter: 1)
    let log = try PassDriver(pipeline: .cleanup, options: options).run(&graph)
    #expect(log.map { $0.changes } == [1])
  }
}
