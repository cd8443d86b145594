import SparrowCore
import SparrowPasses
import Testing

@Suite struct ActivationFusionTests {
  private static let hardSigmoid: Unary = {
    var op = Unary(.hardSigmoid)
    op.alpha = 0.25
    return op
  }()

  @Test(arguments: [
    (Unary(.relu), "relu"), (Unary(.sigmoid), "sigmoid"), (Unary(.tanh), "tanh"),
    (Unary(.gelu), "gelu"), (Unary(.hardSwish), "hard_swish"),
    (hardSigmoid, "hard_sigmoid(0.25,0.5)"),
  ])
  func intoConvolution(function: Unary, text: String) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 5, 5])
    let c = try b.op(convolution(), x, b.weight("w", [4, 3, 3, 3]), name: "c")
    let y = try b.op(.unary(function), c, name: "y")
    let after = """
      graph g(%x: f32[2,3,5,5]) -> (%y)
        %y: f32[2,4,5,5] = Conv(%x, @w: f32[4,3,3,3]) {pads=[1,1,1,1], activation=\(text)}

      """
    try expect(ActivationFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func intoEveryOperatorThatTakesOne() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.matMul(MatMul()), x, b.weight("v", [4, 4]), name: "p")
    let q = try b.unary(.relu, p, name: "q")
    let r = try b.op(.gemm(Gemm()), q, b.weight("w", [4, 4]), name: "r")
    let s = try b.unary(.tanh, r, name: "s")
    let t = try b.binary(.mul, s, x, name: "t")
    let y = try b.unary(.sigmoid, t, name: "y")
    let after = """
      graph g(%x: f32[2,4]) -> (%y)
        %q: f32[2,4] = MatMul(%x, @v: f32[4,4]) {activation=relu}
        %s: f32[2,4] = Gemm(%q, @w: f32[4,4]) {activation=tanh}
        %y: f32[2,4] = Mul(%s, %x) {activation=sigmoid}

      """
    try expect(ActivationFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func clips() throws {
    for (low, high, text) in [
      (Float?(0), Float?(6), "clip(0.0,6.0)"), (0, nil, "relu"), (nil, 1, "clip(-inf,1.0)"),
    ] {
      var b = Builder("g")
      let x = b.input("x", [2, 4])
      let p = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 4]), name: "p")
      let (l, h) = (low.map { b.scalar($0) }, high.map { b.scalar($0) })
      let y = try b.op(.clip(Clip()), p, l, h, name: "y")
      let after = """
        graph g(%x: f32[2,4]) -> (%y)
          %y: f32[2,4] = MatMul(%x, @w: f32[4,4]) {activation=\(text)}

        """
      try expect(ActivationFusion(), on: b.returning(y), gives: after, within: Tolerance.exact)
    }
  }

  @Test func composesClamps() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 4]), name: "p")
    let q = try b.unary(.relu, p, name: "q")
    let y = try b.op(.clip(Clip()), q, b.scalar(-1), b.scalar(6), name: "y")
    let after = """
      graph g(%x: f32[2,4]) -> (%y)
        %y: f32[2,4] = MatMul(%x, @w: f32[4,4]) {activation=clip(0.0,6.0)}

      """
    try expect(ActivationFusion(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test(arguments: [true, false]) func silu(gateFirst: Bool) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 4]), name: "p")
    let gate = try b.unary(.sigmoid, p, name: "gate")
    let y = try b.binary(.mul, gateFirst ? gate : p, gateFirst ? p : gate, name: "y")
    let after = """
      graph g(%x: f32[2,4]) -> (%y)
        %y: f32[2,4] = MatMul(%x, @w: f32[4,4]) {activation=silu}

      """
    try expect(ActivationFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func siluStaysWhereOthersReadIt() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 4]), name: "p")
    let gate = try b.unary(.sigmoid, p, name: "gate")
    let y = try b.binary(.mul, p, gate, name: "y")
    try expectUnchanged(ActivationFusion(), on: b.returning(y, gate))
    try expectUnchanged(ActivationFusion(), on: b.returning(y, p))
    let z = try b.unary(.exp, p, name: "z")
    try expectUnchanged(ActivationFusion(), on: b.returning(y, z))
  }

  @Test func notWhereOthersReadTheResult() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 4]), name: "p")
    let y = try b.unary(.relu, p, name: "y")
    try expectUnchanged(ActivationFusion(), on: b.returning(y, p))
  }

  @Test func notIntoOthers() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.softmax(Softmax()), x, name: "p")
    let y = try b.unary(.relu, p, name: "y")
    try expectUnchanged(ActivationFusion(), on: b.returning(y))
  }

  @Test func approximateGeluHasNoFusedForm() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let p = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 4]), name: "p")
    var gelu = Unary(.gelu)
    gelu.approximation = .tanh
    let y = try b.op(.unary(gelu), p, name: "y")
    try expectUnchanged(ActivationFusion(), on: b.returning(y))
  }
}
