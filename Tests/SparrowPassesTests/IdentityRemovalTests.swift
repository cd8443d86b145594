import SparrowCore
import SparrowPasses
import Testing

@Suite struct IdentityRemovalTests {
  @Test(arguments: [false, true]) func removes(isDropout: Bool) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let same = try b.op(.identity(Identity(isDropout: isDropout)), x, name: "same")
    let y = try b.unary(.relu, same, name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %y: f32[2,3] = Relu(%x)

      """
    try expect(IdentityRemoval(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func outputKeepsItsName() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let h = try b.unary(.relu, x, name: "h")
    let y = try b.op(.identity(Identity()), h, name: "y")
    let after = """
      graph g(%x: f32[2,3]) -> (%y)
        %y: f32[2,3] = Relu(%x)

      """
    try expect(IdentityRemoval(), on: b.returning(y), gives: after, within: Tolerance.exact)
  }

  @Test func inputGivenOutKeepsItsNode() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let y = try b.op(.identity(Identity()), x, name: "y")
    try expectUnchanged(IdentityRemoval(), on: b.returning(y))
  }

  @Test func constantGivenOutKeepsItsNode() throws {
    var b = Builder("g")
    let c = b.weight("c", [2])
    let y = try b.op(.identity(Identity()), c, name: "y")
    try expectUnchanged(IdentityRemoval(), on: b.returning(y))
  }

  @Test func valueGivenOutTwiceKeepsItsNode() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3])
    let h = try b.unary(.relu, x, name: "h")
    let y = try b.op(.identity(Identity()), h, name: "y")
    try expectUnchanged(IdentityRemoval(), on: b.returning(h, y))
  }
}
