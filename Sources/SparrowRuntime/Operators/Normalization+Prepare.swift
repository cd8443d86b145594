import CKernels
import SparrowCore

extension LayerNormalization {
  /// Where ``NodeFolding`` puts what is added to x before everything else.
  static var addendInput: Int { 3 }

  /// Whether ``NodeFolding`` may add something to an x of that shape.
  func takesAddend(shape: [Int], scale: [Int]?) -> Bool {
    let axis = self.axis < 0 ? self.axis + shape.count : self.axis
    guard shape.indices.contains(axis) else { return false }
    return scale?.elementCount == shape[axis...].reduce(1, *)
  }

  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, scale, bias) = (try p.input(0), try p.input(1), p.optional(2))
    let axis = self.axis < 0 ? self.axis + x.shape.count : self.axis
    guard axis >= 0, axis < x.shape.count else {
      throw p.unsupported("axis \(self.axis) is outside a tensor of rank \(x.shape.count)")
    }
    let length = x.shape[axis...].reduce(1, *)
    let fits = [scale, bias].allSatisfy { parameter in
      parameter.map { $0.count == length && $0.dtype == x.dtype } ?? true
    }
    guard fits, p.outputs.count == 1 else { return p.referenceStep(.layerNormalization(self)) }
    let slots = (x: p.slot(x), scale: p.slot(scale), bias: bias.map { p.slot($0) })
    let to = p.slot(p.outputs[0])
    let rows = x.shape[..<axis].reduce(1, *)
    let chunks = Chunks(rows, tasks: p.tasks(work: x.count * 4, limit: 64))
    let addend = p.optional(Self.addendInput).map { p.slot($0) }
    let inPlace = p.inPlaceInput([0])
    let epsilon = self.epsilon
    switch x.dtype {
    case .float32:
      let normalize = p.kernels.pointee.f32_layer_norm
      return Step(
        tasks: chunks.tasks, kernel: "f32_layer_norm \(p.isaName)", inPlaceInput: inPlace
      ) { work in
        let bias = slots.bias.map { UnsafePointer(work.floats($0)) }
        for row in chunks.range(work.task) {
          normalize(
            length, work.floats(slots.x) + row * length,
            addend.map { UnsafePointer(work.floats($0) + row * length) },
            work.floats(slots.scale), bias, epsilon, work.floats(to) + row * length)
        }
      }
    case .float64:
      return Step(tasks: chunks.tasks, kernel: "layer_norm", inPlaceInput: inPlace) { work in
        let scale = work.pointer(slots.scale, as: Double.self)
        let bias = slots.bias.map { work.pointer($0, as: Double.self) }
        for row in chunks.range(work.task) {
          normalizeRow(
            length, work.pointer(slots.x, as: Double.self) + row * length, scale, bias,
            Double(epsilon), work.pointer(to, as: Double.self) + row * length)
        }
      }
    default:
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
  }
}

private func normalizeRow(
  _ n: Int, _ x: UnsafeMutablePointer<Double>, _ scale: UnsafeMutablePointer<Double>,
  _ bias: UnsafeMutablePointer<Double>?, _ epsilon: Double, _ y: UnsafeMutablePointer<Double>
) {
  var mean = 0.0
  for i in 0..<n { mean += x[i] }
  mean /= Double(n)
  var variance = 0.0
  for i in 0..<n { variance += (x[i] - mean) * (x[i] - mean) }
  let inverse = 1 / (variance / Double(n) + epsilon).squareRoot()
  for i in 0..<n { y[i] = (x[i] - mean) * inverse * scale[i] + (bias?[i] ?? 0) }
}

extension BatchNormalization {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let channels = x.shape.count > 1 ? x.shape[1] : 1
    var isUniform = true
    for i in 1...4 {
      let parameter = try p.input(i)
      guard parameter.count == channels else {
        throw p.unsupported("input \(i) has \(parameter.count) elements, expected \(channels)")
      }
      isUniform = isUniform && parameter.dtype == x.dtype
    }
    if isUniform, isTraining, x.dtype == .float32, x.shape.count > 1 {
      return try prepareTraining(&p)
    }
    guard isUniform, !isTraining else { return p.referenceStep(.batchNormalization(self)) }
    let plane = x.shape.dropFirst(2).reduce(1, *)
    let planes = x.count == 0 ? 0 : x.count / plane
    let slots = Slots(
      x: p.slot(x), scale: p.slot(try p.input(1)), bias: p.slot(try p.input(2)),
      mean: p.slot(try p.input(3)), variance: p.slot(try p.input(4)), y: p.slot(p.outputs[0]))
    let chunks = Chunks(planes, tasks: p.tasks(work: x.count, limit: 64))
    let inPlace = p.inPlaceInput([0])
    let epsilon = Double(self.epsilon)
    switch x.dtype {
    case .float32:
      let apply = p.kernels.pointee.f32_scale_shift
      return Step(
        tasks: chunks.tasks, kernel: "f32_scale_shift \(p.isaName)", inPlaceInput: inPlace
      ) { work in
        for unit in chunks.range(work.task) {
          let line = slots.line(Float.self, unit % channels, epsilon, work)
          let first = unit * plane
          apply(
            plane, work.floats(slots.x) + first, Float(line.scale), Float(line.shift),
            work.floats(slots.y) + first)
        }
      }
    case .float64:
      return Step(tasks: chunks.tasks, kernel: "scale_shift", inPlaceInput: inPlace) { work in
        let x = work.pointer(slots.x, as: Double.self)
        let y = work.pointer(slots.y, as: Double.self)
        for unit in chunks.range(work.task) {
          let line = slots.line(Double.self, unit % channels, epsilon, work)
          for i in unit * plane..<(unit + 1) * plane { y[i] = x[i] * line.scale + line.shift }
        }
      }
    default:
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
  }

  private struct Slots {
    let x: Slot
    let scale: Slot
    let bias: Slot
    let mean: Slot
    let variance: Slot
    let y: Slot

    /// What one channel is multiplied by, and what is added then.
    @inline(__always)
    func line<T: Arithmetic>(
      _ type: T.Type, _ channel: Int, _ epsilon: Double, _ work: borrowing Work
    ) -> (scale: Double, shift: Double) {
      let deviation = (work.pointer(variance, as: T.self)[channel].real + epsilon).squareRoot()
      let factor = work.pointer(scale, as: T.self)[channel].real / deviation
      let mean = work.pointer(mean, as: T.self)[channel].real
      return (factor, work.pointer(bias, as: T.self)[channel].real - mean * factor)
    }
  }
}
