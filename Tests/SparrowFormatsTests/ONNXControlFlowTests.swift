import SparrowCore
import SparrowFormats
import SparrowRuntime
import SparrowTestSupport
import Testing

/// If, Loop and Scan in ONNX files: what becomes of names around a body, and back again.
@Suite struct ONNXControlFlowTests {
  @Test func branchesCaptureWhatTheyRead() throws {
    let graph = try read(Self.twoBranches)
    #expect(
      graph.text == """
        graph (%c: bool[], %x: f32[2], %z: f32[2]) -> (%y)
          %y: f32[2] = If(%c, %x, @w: f32[2], %z)
            then_branch(%x: f32[2], %w: f32[2], %z: f32[2]) -> (%t)
              %t: f32[2] = Add(%x, %w)
            else_branch(%x: f32[2], %w: f32[2], %z: f32[2]) -> (%e)
              %n: f32[2] = Neg(%z)
              %e: f32[2] = Mul(%n, @k: f32[2])

        """)
  }

  @Test func capturesPassThroughEveryLevel() throws {
    let graph = try read(Self.nested)
    #expect(
      graph.text == """
        graph (%c: bool[], %x: f32[2]) -> (%y)
          %h: f32[2] = Relu(%x)
          %y: f32[2] = If(%c, %h, %x, %c)
            then_branch(%h: f32[2], %x: f32[2], %c: bool[]) -> (%a)
              %a: f32[2] = Identity(%h)
            else_branch(%h: f32[2], %x: f32[2], %c: bool[]) -> (%b)
              %m: f32[2] = Neg(%x)
              %b: f32[2] = If(%c, %m, %h)
                then_branch(%m: f32[2], %h: f32[2]) -> (%p)
                  %p: f32[2] = Add(%m, %h)
                else_branch(%m: f32[2], %h: f32[2]) -> (%p)
                  %x: f32[2] = Abs(%h)
                  %p: f32[2] = Neg(%x)

        """)
  }

  @Test func aBranchForOtherLengthsIsReadAllTheSame() throws {
    let graph = try read(
      .model([
        .input("c", type: 9, []), .input("x", ["4", "3"]), .initializer("axes", [1]),
        .node(
          "If", ["c"], ["y"],
          [
            .attribute(
              "then_branch", graph: [.node("Squeeze", ["x", "axes"], ["s"]), .output("s")]),
            .attribute("else_branch", graph: [.node("Relu", ["x"], ["r"]), .output("r")]),
          ]), .output("y"),
      ]))
    let y = graph[graph.outputs[0]]
    #expect(y.type == TensorType(.float32, shape: [4, 3]))
    // Once it is known to be taken, the contradiction shows.
    var taken = graph
    #expect(taken.inlineBranches { _, _ in true } == 1)
    #expect(throws: GraphError.self) { try taken.inferTypes() }
  }

  @Test func carriedValuesThatGrowHaveNoLength() throws {
    let graph = try read(
      Self.loop(state: ["0"], body: [.node("Concat", ["s", "x"], ["n"], [Self.axis0])]))
    #expect(
      graph.text == """
        graph (%x: f32[2], %m: i64[], %s0: f32[0]) -> (%y, %all)
          %y: f32[?], %all: f32[?,?] = Loop(%m, _, %s0, %x)
            body(%i: i64[], %go: bool[], %s: f32[?], %x: f32[2]) -> (%go, %n, %n)
              %n: f32[?] = Concat(%s, %x)

        """)
  }

  @Test func carriedValuesThatKeepTheirLengthAreKnown() throws {
    let graph = try read(Self.loop(state: ["2"], body: [.node("Add", ["s", "x"], ["n"])]))
    #expect(
      graph.nodes.map { $0.outputs.map { graph[$0].type?.text } } == [["f32[2]", "f32[?,2]"]])
  }

  @Test func theRoundMayBeAVectorOfOne() throws {
    let model = Proto.model([
      .input("m", type: 7, []),
      .node(
        "Loop", ["m"], ["all"],
        [
          .attribute(
            "body",
            graph: [
              .input("i", type: 7, ["1"]), .input("go", type: 9, ["1"]),
              .node("Add", ["i", "i"], ["n"]), .output("go"), .output("n"),
            ])
        ]), .output("all"),
    ])
    let graph = try read(model)
    #expect(
      graph.text == """
        graph (%m: i64[]) -> (%all)
          %all: i64[?,1] = Loop(%m)
            body(%i: i64[1], %go: bool[1]) -> (%go, %n)
              %n: i64[1] = Add(%i, %i)

        """)
    let made = try Session(graph).run([Tensor(scalar: Int64(3))])
    #expect(made == [Tensor([Int64(0), 2, 4], shape: [3, 1])])
  }

  @Test func sequencesAreScannedAlongTheirAxes() throws {
    let graph = try read(Self.scan)
    #expect(
      graph.text == """
        graph (%s0: f32[3], %xs: f32[3,n], %w: f32[3]) -> (%last, %ys)
          %last: f32[3], %ys: f32[3,n] = Scan(%s0, %xs, %w) {scan_input_axes=[-1], \
        scan_output_axes=[1], scan_input_directions=[1]}
            body(%s: f32[3], %x: f32[3], %w: f32[3]) -> (%t, %o)
              %t: f32[3] = Add(%s, %x)
              %o: f32[3] = Mul(%t, %w)

        """)
  }

  @Test(arguments: samples) func roundTrips(sample: Sample) throws {
    let graph = try read(sample.model)
    let container = try Container.read(bytes: Bytes(copying: ContainerWriter.bytes(of: graph)))
    expectEqual(container, graph)
    #expect(container.nodes.map { $0.op } == graph.nodes.map { $0.op })
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try ONNX.write(graph, to: path)
    let first = try ONNX.read(path)
    try ONNX.write(first, to: path)
    expectEqual(try ONNX.read(path), first)
    // Names inside bodies may have changed, nodes not; but ONNX wants each output of a body made by
    // a node of its own.
    #expect(first.nodeCounts.reduce(0, +) == graph.nodeCounts.reduce(0, +) + sample.copies)
    #expect(first.nodes.map { $0.inputs.count } == graph.nodes.map { $0.inputs.count })
  }

  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var model: Proto
    var copies = 0
    var testDescription: String { name }
  }

  static let samples = [
    Sample(name: "branches", model: twoBranches), Sample(name: "nested", model: nested),
    Sample(
      name: "loop", model: loop(state: ["2"], body: [.node("Add", ["s", "x"], ["n"])]), copies: 2),
    Sample(name: "scan", model: scan),
    Sample(name: "an If in a Loop", model: nestedWithConstants, copies: 2),
  ]

  static let axis0 = Proto.attribute("axis", int: 0)

  static let twoBranches = Proto.model([
    .input("c", type: 9, []), .input("x", ["2"]), .input("z", ["2"]),
    .initializer("w", [2], [3, 4]),
    .node(
      "If", ["c"], ["y"],
      [
        .attribute("then_branch", graph: [.node("Add", ["x", "w"], ["t"]), .output("t")]),
        .attribute(
          "else_branch",
          graph: [
            .node("Mul", ["n", "k"], ["e"]), .node("Neg", ["z"], ["n"]),
            .initializer("k", [2], [5, 6]), .output("e"),
          ]),
      ]), .output("y"),
  ])

  /// The inner If reads `h` of the outermost graph, `m` of the branch, and has an `x` of its own.
  static let nested: Proto = {
    let inner = Proto.node(
      "If", ["c"], ["b"],
      [
        .attribute("then_branch", graph: [.node("Add", ["m", "h"], ["p"]), .output("p")]),
        .attribute(
          "else_branch",
          graph: [.node("Neg", ["x"], ["p"]), .node("Abs", ["h"], ["x"]), .output("p")]),
      ])
    let outer = Proto.node(
      "If", ["c"], ["y"],
      [
        .attribute("then_branch", graph: [.node("Identity", ["h"], ["a"]), .output("a")]),
        .attribute(
          "else_branch", graph: [.node("Neg", ["x"], ["m"]), inner, .output("b")]),
      ])
    // The node that makes h comes after its reader.
    return .model([
      .input("c", type: 9, []), .input("x", ["2"]), outer, .node("Relu", ["x"], ["h"]),
      .output("y"),
    ])
  }()

  /// A Loop whose body has an If with a constant of its own.
  static let nestedWithConstants: Proto = {
    let inner = Proto.node(
      "If", ["go"], ["n"],
      [
        .attribute(
          "then_branch",
          graph: [
            .initializer("k", [2], [5, 6]), .node("Mul", ["s", "k"], ["t"]), .output("t"),
          ]),
        .attribute("else_branch", graph: [.node("Add", ["s", "x"], ["e"]), .output("e")]),
      ])
    return loop(state: ["2"], body: [inner])
  }()

  static func loop(state: [String], body: [Proto]) -> Proto {
    .model([
      .input("x", ["2"]), .input("m", type: 7, []), .input("s0", state),
      .node(
        "Loop", ["m", "", "s0"], ["y", "all"],
        [
          .attribute(
            "body",
            graph: [.input("i", type: 7, []), .input("go", type: 9, []), .input("s", ["?"])] + body
              + [.output("go"), .output("n"), .output("n")])
        ]), .output("y"), .output("all"),
    ])
  }

  static let scan = Proto.model([
    .input("s0", ["3"]), .input("xs", ["3", "n"]), .input("w", ["3"]),
    .node(
      "Scan", ["s0", "xs"], ["last", "ys"],
      [
        .attribute("num_scan_inputs", int: 1), .attribute("scan_input_axes", ints: [-1]),
        .attribute("scan_output_axes", ints: [1]), .attribute("scan_input_directions", ints: [1]),
        .attribute(
          "body",
          graph: [
            .input("s", ["3"]), .input("x", ["3"]), .node("Add", ["s", "x"], ["t"]),
            .node("Mul", ["t", "w"], ["o"]), .output("t"), .output("o"),
          ]),
      ]), .output("last"), .output("ys"),
  ])

  private func read(_ model: Proto) throws -> Graph { try ONNX.read(Bytes(model)) }
}

extension Proto {
  static func attribute(_ name: String, graph parts: [Proto]) -> Proto {
    .message(5, [.text(1, name), .message(6, parts), .int(20, 5)])
  }
}

extension Graph {
  /// The nodes of each graph, this one first.
  fileprivate var nodeCounts: [Int] {
    [nodes.count] + nodes.flatMap { $0.op.subgraphs.flatMap { $0.graph.nodeCounts } }
  }
}
