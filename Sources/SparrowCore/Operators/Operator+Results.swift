/// What reference implementations ask type inference.
extension Operator {
  /// The outputs' types for concrete operands. Throws where these contradict each other.
  func types(_ x: Operands) throws(ComputeError) -> [TensorType] {
    let types: [TensorType]
    do throws(InferenceError) {
      types = try inferTypes(x.context)
    } catch {
      throw ComputeError(error)
    }
    for type in types {
      let elements = type.shape?.checkedElementCount
      guard type.isRepresentable, elements ?? 0 <= Self.mostElements else {
        throw ComputeError("its output would be \(type.text), which is too large")
      }
    }
    return types
  }

  /// Of a reference implementation's output: these are slow, and several times as large while they
  /// are computed.
  private static var mostElements: Int { .limit(1 << 31, narrow: 1 << 26) }

  /// Output 0's shape where types and shape inputs decide it.
  func outputShape(_ x: Operands) throws(ComputeError) -> [Int] {
    guard let shape = try types(x).first?.shape else {
      throw ComputeError("its output's shape does not follow from its inputs")
    }
    return shape
  }
}

extension ShapeRules {
  /// An axis counted from the front, for reference implementations.
  static func concreteAxis(_ axis: Int, rank: Int) throws(ComputeError) -> Int {
    do throws(InferenceError) {
      return try self.axis(axis, rank: rank)
    } catch {
      throw ComputeError(error)
    }
  }

  /// Throws unless two ranks are equal; unknown ones pass.
  static func requireEqualRanks(
    _ a: [Dimension]?, _ b: [Dimension]?, _ what: String
  ) throws(InferenceError) {
    guard let a, let b, a.count != b.count else { return }
    throw InferenceError("\(what): ranks \(a.count) and \(b.count) must be equal")
  }
}

/// A tensor seen around one axis: `[outer, length, inner]`.
struct AxisView {
  let outer: Int
  let length: Int
  let inner: Int

  init(_ shape: [Int], axis: Int) {
    outer = shape[..<axis].elementCount
    length = shape[axis]
    inner = shape[(axis + 1)...].elementCount
  }
}

extension ArraySlice where Element == Int {
  /// The product of dimensions.
  var elementCount: Int { reduce(1, *) }
}

extension Array where Element == UInt64 {
  /// Elements of `shape` with their axes in another order: axis i of the result is axis `order[i]`.
  func permuted(_ shape: [Int], _ order: [Int]) -> [UInt64] {
    let strides = shape.rowMajorStrides
    let target = order.map { shape[$0] }
    let steps = order.map { strides[$0] }
    var result: [UInt64] = []
    result.reserveCapacity(count)
    var index = [Int](repeating: 0, count: order.count)
    var position = 0
    for _ in 0..<target.elementCount {
      result.append(self[position])
      var axis = order.count - 1
      while axis >= 0 {
        index[axis] += 1
        position += steps[axis]
        if index[axis] < target[axis] { break }
        position -= index[axis] * steps[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }
}
