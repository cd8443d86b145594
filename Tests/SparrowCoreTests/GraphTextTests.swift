import SparrowCore
import Testing

@Suite struct GraphTextTests {
  @Test func values() throws {
    var graph = Graph(name: "net")
    let x = graph.addInput("x", TensorType(.float32, [.symbol("n"), .known(3), .unknown]))
    let i = graph.addInput("i", TensorType(.int64, nil))
    let w = graph.addConstant("w", Tensor([Float(1), 2, 3], shape: [3, 1]))
    let scalar = graph.addConstant("s", Tensor(scalar: Float(0.5)))
    let h = try graph.add(.binary(Binary(.add)), [x, w], name: "h")
    let y = try graph.add(.binary(Binary(.mul, activation: .relu)), [h, scalar], name: "y")
    let p = try graph.add(.split(Split(axis: 1)), [i], name: "s", outputs: ["p", "q"])
    graph.outputs = [y, p[1]]
    #expect(
      graph.text == """
        graph net(%x: f32[n,3,?], %i: i64[*]) -> (%y, %q)
          %h: f32[n,3,?] = Add(%x, @w: f32[3,1])
          %y: f32[n,3,?] = Mul(%h, 0.5) {activation=relu}
          %p: i64[*], %q: i64[*] = Split(%i) {axis=1}

        """)
  }

  @Test func absentInputsAndAttributes() throws {
    var graph = Graph(name: "net")
    let x = graph.addInput("x", TensorType(.float32, shape: [1, 4, 8, 8]))
    let w = graph.addConstant("w", Tensor([Float](repeating: 0, count: 8), shape: [4, 2, 1, 1]))
    var window = Window(strides: [1, 1], pads: [0, 0, 0, 0])
    window.autoPad = .valid
    let conv = Conv(window: window, group: 2, activation: .clip(low: 0, high: 6))
    let y = try graph.add(.conv(conv), [x, w, nil, x], name: "y")
    graph.outputs = [y]
    #expect(
      graph.text == """
        graph net(%x: f32[1,4,8,8]) -> (%y)
          %y: f32[1,4,8,8] = Conv(%x, @w: f32[4,2,1,1], _, %x) {strides=[1,1], pads=[0,0,0,0], \
        auto_pad=VALID, group=2, activation=clip(0.0,6.0)}

        """)
  }

  @Test func everyKindOfAttribute() throws {
    var graph = Graph(name: "net")
    let x = graph.addInput("x", TensorType(.float32, shape: [2, 3]))
    var fill = ConstantOfShape()
    fill.value = Scalar(1)
    let shape = try graph.add(.shapeOf(ShapeOf()), [x], name: "shape")
    _ = try graph.add(.constantOfShape(fill), [shape], name: "a")
    _ = try graph.add(.cast(Cast(to: .int8)), [x], name: "b")
    _ = try graph.add(.gemm(Gemm(alpha: 0.5, transposesA: true)), [x, x], name: "c")
    _ = try graph.add(.transpose(Transpose([1, 0])), [x], name: "d")
    #expect(
      graph.text == """
        graph net(%x: f32[2,3]) -> ()
          %shape: i64[2] = Shape(%x)
          %a: f32[*] = ConstantOfShape(%shape) {value=f32:1065353216}
          %b: i8[2,3] = Cast(%x) {to=i8}
          %c: f32[3,3] = Gemm(%x, %x) {alpha=0.5, transA=true}
          %d: f32[3,2] = Transpose(%x) {perm=[1,0]}

        """)
  }
}
