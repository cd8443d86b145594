import SparrowCore
import SparrowPasses
import Testing

@Suite struct ResidualFusionTests {
  @Test func addsTheShortcut() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let c = try b.op(convolution(), x, b.weight("w", [4, 4, 3, 3]), name: "c")
    let h = try b.unary(.exp, x, name: "h")
    let y = try b.op(.binary(Binary(.add, activation: .relu)), h, c, name: "y")
    let after = """
      graph g(%x: f32[2,4,5,5]) -> (%y)
        %h: f32[2,4,5,5] = Exp(%x)
        %y: f32[2,4,5,5] = Conv(%x, @w: f32[4,4,3,3], _, %h) {pads=[1,1,1,1], activation=relu}

      """
    try expect(ResidualFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func laterConvolutionTakesTheEarlier() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let c = try b.op(convolution(), x, b.weight("v", [4, 4, 3, 3]), name: "c")
    let d = try b.op(convolution(), x, b.weight("w", [4, 4, 3, 3]), name: "d")
    let y = try b.binary(.add, c, d, name: "y")
    let after = """
      graph g(%x: f32[2,4,5,5]) -> (%y)
        %c: f32[2,4,5,5] = Conv(%x, @v: f32[4,4,3,3]) {pads=[1,1,1,1]}
        %y: f32[2,4,5,5] = Conv(%x, @w: f32[4,4,3,3], _, %c) {pads=[1,1,1,1]}

      """
    try expect(ResidualFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func openShapesThatAreEqualForCertain() throws {
    var b = Builder("g")
    let x = b.input("x", [.unknown, .known(4), .unknown, .unknown])
    let strided = Op.conv(Conv(window: Window(strides: [2, 2], pads: [1, 1, 1, 1])))
    let h = try b.op(strided, x, b.weight("u", [4, 4, 3, 3]), name: "h")
    let r = try b.unary(.relu, h, name: "r")
    let c = try b.op(convolution(), r, b.weight("v", [4, 4, 3, 3]), name: "c")
    let y = try b.binary(.add, c, h, name: "y")
    let after = """
      graph g(%x: f32[?,4,?,?]) -> (%y)
        %h: f32[?,4,?,?] = Conv(%x, @u: f32[4,4,3,3]) {strides=[2,2], pads=[1,1,1,1]}
        %r: f32[?,4,?,?] = Relu(%h)
        %y: f32[?,4,?,?] = Conv(%r, @v: f32[4,4,3,3], _, %h) {pads=[1,1,1,1]}

      """
    try expect(ResidualFusion(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func notOfShapesThatMayBroadcast() throws {
    var b = Builder("g")
    let x = b.input("x", [.known(1), .known(4), .unknown, .unknown])
    let z = b.input("z", [.known(1), .known(4), .unknown, .unknown])
    let c = try b.op(convolution(), x, b.weight("w", [4, 4, 3, 3]), name: "c")
    let y = try b.binary(.add, c, z, name: "y")
    try expectUnchanged(ResidualFusion(), on: b.returning(y))

    var known = Builder("g")
    let p = known.input("x", [2, 4, 5, 5])
    let q = known.input("z", [1, 4, 5, 5])
    let d = try known.op(convolution(), p, known.weight("w", [4, 4, 3, 3]), name: "c")
    let r = try known.binary(.add, d, q, name: "y")
    try expectUnchanged(ResidualFusion(), on: known.returning(r))
  }

  @Test func notPastAnActivationOrOtherReaders() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let w = b.weight("w", [4, 4, 3, 3])
    let c = try b.op(convolution(activation: .relu), x, w, name: "c")
    let y = try b.binary(.add, c, x, name: "y")
    try expectUnchanged(ResidualFusion(), on: b.returning(y))
    let d = try b.op(convolution(), x, w, name: "d")
    let z = try b.binary(.add, d, x, name: "z")
    try expectUnchanged(ResidualFusion(), on: b.returning(z, d))
    let twice = try b.binary(.add, d, d, name: "twice")
    try expectUnchanged(ResidualFusion(), on: b.returning(twice))
  }
}
