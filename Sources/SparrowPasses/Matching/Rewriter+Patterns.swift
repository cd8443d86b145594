import SparrowCore

/// A product of float32 values written out: `constant * factors[0] * factors[1] * ...`
struct Product {
  var factors: [ValueID] = []
  var constant = 1.0
  /// The multiplications and divisions it is made of.
  var nodes: Set<Int> = []

  /// Two factors in both orders.
  var pairs: [(ValueID, ValueID)] {
    guard factors.count == 2 else { return [] }
    return [(factors[0], factors[1]), (factors[1], factors[0])]
  }
}

extension Rewriter {
  /// The function of node `i` where it is an elementwise one of one tensor.
  func unary(_ i: Int?) -> Unary? {
    guard let i, case .unary(let op) = graph.nodes[i].op else { return nil }
    return op
  }

  /// The function of node `i` where it is an elementwise one of two tensors, without activation.
  func binary(_ i: Int?) -> Binary.Function? {
    guard let i, case .binary(let op) = graph.nodes[i].op, op.activation == .none else {
      return nil
    }
    return op.function
  }

  /// The maker of `id` where it applies `function` to two tensors without an activation.
  func maker(_ id: ValueID?, _ function: Binary.Function) -> Int? {
    guard let i = maker(id), binary(i) == function else { return nil }
    return i
  }

  /// The value of a constant of one element.
  func scalar(_ id: ValueID?) -> Double? { constant(id)?.scalarDouble }

  /// Node `i` as `x + constant` with a scalar constant on either side.
  func sum(_ i: Int) -> (x: ValueID, constant: Double)? {
    let node = graph.nodes[i]
    guard binary(i) == .add, let a = node.input(0), let b = node.input(1) else { return nil }
    if let value = scalar(b), constant(a) == nil { return (a, value) }
    if let value = scalar(a), constant(b) == nil { return (b, value) }
    return nil
  }

  /// The tree of multiplications, and divisions by scalar constants, that ends at node `i`. A factor
  /// is followed only where the tree is its one reader.
  func product(endingAt i: Int) -> Product? {
    guard binary(i) == .mul || binary(i) == .div else { return nil }
    var product = Product()
    guard collect(i, into: &product) else { return nil }
    return product
  }

  private func collect(_ i: Int, into product: inout Product) -> Bool {
    let node = graph.nodes[i]
    guard let a = node.input(0), let b = node.input(1), isFloat32(a), isFloat32(b) else {
      return false
    }
    product.nodes.insert(i)
    if binary(i) == .div {
      guard let divisor = scalar(b), divisor != 0 else { return false }
      product.constant /= divisor
      return follow(a, into: &product)
    }
    return follow(a, into: &product) && follow(b, into: &product)
  }

  private func follow(_ id: ValueID, into product: inout Product) -> Bool {
    if let value = scalar(id) {
      product.constant *= value
      return true
    }
    let next = maker(id)
    let continues = binary(next) == .mul || (binary(next) == .div && dividesByScalar(next))
    guard let next, continues, isPrivate(id), product.nodes.count < 8 else {
      product.factors.append(id)
      return true
    }
    return collect(next, into: &product)
  }

  private func dividesByScalar(_ i: Int?) -> Bool {
    guard let i, let divisor = scalar(graph.nodes[i].input(1)) else { return false }
    return divisor != 0
  }

  /// Whether two values have equal shapes for certain: no length of them is unknown.
  func haveEqualShapes(_ a: ValueID, _ b: ValueID) -> Bool {
    guard let x = type(a)?.dimensions, let y = type(b)?.dimensions else { return false }
    return x == y && !x.contains(.unknown)
  }

  /// Whether the constant broadcasts to the shape of `x`, without enlarging it.
  func broadcasts(_ constant: Tensor, into x: ValueID) -> Bool {
    if constant.rank == 0 { return true }
    guard let shape = type(x)?.dimensions, constant.rank <= shape.count else { return false }
    return zip(constant.shape.reversed(), shape.reversed()).allSatisfy { length, dimension in
      length == 1 || dimension == .known(length)
    }
  }
}

extension Tensor {
  /// The single value of a one-element tensor, exact for float32, float64 and 32-bit integers.
  var scalarDouble: Double? {
    guard count == 1 else { return nil }
    if dtype == .float64 { return array(of: Double.self).first }
    return floats?.first.map { Double($0) } ?? integers?.first.map { Double($0) }
  }
}

extension Double {
  /// Whether a float32 constant was meant to be `value`: equal within about 4 units in the last
  /// place of a float32, which exporters lose when they compute constants such as sqrt(2) or 1/6.
  func isFloat(near value: Double) -> Bool { abs(self - value) <= 4 * 1.2e-7 * abs(value) }
}
