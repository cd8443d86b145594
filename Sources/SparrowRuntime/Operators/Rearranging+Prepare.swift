import SparrowCore

extension Transpose {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let order: [Int]
    do throws(InferenceError) {
      order = try resolved(rank: x.shape.count)
    } catch {
      throw p.unsupported(error.reason)
    }
    let strides = x.shape.rowMajorStrides
    let copy = StridedCopy(
      counts: p.outputs[0].shape, from: (p.slot(x), 0, order.map { strides[$0] }),
      to: (p.slot(p.outputs[0]), 0, p.outputs[0].shape.rowMajorStrides))
    return p.step([copy], x.dtype, kernel: "transpose")
  }
}

extension Expand {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, y) = (try p.input(0), p.outputs[0])
    let copy = StridedCopy(
      counts: y.shape, from: (p.slot(x), 0, x.shape.broadcastStrides(to: y.shape)),
      to: (p.slot(y), 0, y.shape.rowMajorStrides))
    return p.step([copy], x.dtype, kernel: "expand")
  }
}

extension Concat {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let y = p.outputs[0]
    let axis = self.axis < 0 ? self.axis + y.shape.count : self.axis
    let strides = y.shape.rowMajorStrides
    var copies: [StridedCopy] = []
    var position = 0
    for i in p.inputs.indices {
      let x = try p.input(i)
      copies.append(
        StridedCopy(
          counts: x.shape, from: (p.slot(x), 0, x.shape.rowMajorStrides),
          to: (p.slot(y), position * strides[axis], strides)))
      position += x.shape[axis]
    }
    return p.step(copies, y.dtype, kernel: "concat")
  }
}

extension Split {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let axis = self.axis < 0 ? self.axis + x.shape.count : self.axis
    let strides = x.shape.rowMajorStrides
    var copies: [StridedCopy] = []
    var position = 0
    for y in p.outputs {
      copies.append(
        StridedCopy(
          counts: y.shape, from: (p.slot(x), position * strides[axis], strides),
          to: (p.slot(y), 0, y.shape.rowMajorStrides)))
      position += y.shape[axis]
    }
    return p.step(copies, x.dtype, kernel: "split")
  }
}

extension Slice {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, y) = (try p.input(0), p.outputs[0])
    let resolved: [(axis: Int, part: Part?)]?
    do throws(InferenceError) {
      resolved = try parts(p.inferenceContext, dimensions: x.shape.map { .known($0) })
    } catch {
      throw p.unsupported(error.reason)
    }
    guard let resolved else {
      throw p.unsupported("its starts, ends, axes or steps are not constant")
    }
    let own = x.shape.rowMajorStrides
    var strides = own
    var start = 0
    for (axis, part) in resolved {
      // An empty part may start outside the axis; nothing is read then.
      guard let part, part.count > 0 else { continue }
      start += part.start * own[axis]
      strides[axis] = part.step * own[axis]
    }
    let copy = StridedCopy(
      counts: y.shape, from: (p.slot(x), start, strides),
      to: (p.slot(y), 0, y.shape.rowMajorStrides))
    return p.step([copy], x.dtype, kernel: "slice")
  }
}

extension Preparation {
  /// What type inference is given: for the rules that operators share between both.
  var inferenceContext: InferenceContext {
    InferenceContext(
      inputs: inputs.map { input in
        input.map {
          InferenceContext.Input(
            type: TensorType($0.dtype, shape: $0.shape), constant: $0.constant)
        }
      }, outputCount: outputs.count)
  }
}
