import CKernels
import SparrowCore

extension Pool {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    guard p.outputs.count == 1 else { return p.referenceStep(.pool(self)) }
    let spatial = Array(x.shape.dropFirst(2))
    let resolved: Window.Resolved
    do throws(InferenceError) {
      resolved = try window.resolved(kernel: nil, input: spatial.map { .known($0) })
    } catch {
      throw p.unsupported(error.reason)
    }
    let planes = x.shape[0] * x.shape[1]
    let geometry = PoolGeometry(
      resolved, input: spatial, output: Array(p.outputs[0].shape.dropFirst(2)))
    guard let taps = resolved.kernel.checkedElementCount, taps <= 1 << 24 else {
      throw p.unsupported("its window has too many elements")
    }
    let chunks = Chunks(planes, tasks: p.tasks(work: p.outputs[0].count * taps, limit: 64))
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    if x.dtype == .float32, spatial.count <= 2 {
      return planeStep(p, geometry, chunks, from, to)
    }
    let visitor = PoolVisitor(op: self, geometry: geometry, chunks: chunks, from: from, to: to)
    guard kind == .max || x.dtype.isFloatingPoint, let step = x.dtype.accept(visitor) else {
      throw p.unsupported("it does not take \(x.dtype.name)")
    }
    return step
  }

  /// float32 in one or two dimensions.
  private func planeStep(
    _ p: Preparation, _ geometry: PoolGeometry, _ chunks: Chunks, _ from: Slot, _ to: Slot
  ) -> Step {
    let (maximum, average) = (p.kernels.pointee.f32_max_pool, p.kernels.pointee.f32_average_pool)
    let (kind, countsPadding) = (kind, countsPadding)
    let shape = geometry.kernelForm
    let (bottom, right) = (geometry.padsEnd.1, geometry.padsEnd.2)
    let sizes = (geometry.inputCount, geometry.outputCount)
    return Step(
      tasks: chunks.tasks,
      kernel: "\(kind == .max ? "f32_max_pool" : "f32_average_pool") \(p.isaName)"
    ) { work in
      withUnsafePointer(to: shape) { shape in
        let range = chunks.range(work.task)
        let (width, plane) = (shape.pointee.out_width, sizes.1)
        switch kind {
        case .max:
          maximum(
            shape, range.count, work.floats(from) + range.lowerBound * sizes.0,
            work.floats(to) + range.lowerBound * plane, plane, width)
        case .average:
          for i in range {
            average(
              shape, work.floats(from) + i * sizes.0, countsPadding, bottom, right,
              work.floats(to) + i * plane, width)
          }
        }
      }
    }
  }
}

/// A pooling window in three dimensions; missing leading ones have length 1.
struct PoolGeometry {
  typealias Triple = (Int, Int, Int)
  let input: Triple
  let output: Triple
  let kernel: Triple
  let strides: Triple
  let dilations: Triple
  let padsBegin: Triple
  let padsEnd: Triple

  init(_ window: Window.Resolved, input: [Int], output: [Int]) {
    func triple(_ values: [Int], _ missing: Int) -> Triple {
      let all = [Int](repeating: missing, count: 3 - values.count) + values
      return (all[0], all[1], all[2])
    }
    self.input = triple(input, 1)
    self.output = triple(output, 1)
    kernel = triple(window.kernel, 1)
    strides = triple(window.strides, 1)
    dilations = triple(window.dilations, 1)
    padsBegin = triple(window.padsBegin, 0)
    padsEnd = triple(window.padsEnd, 0)
  }

  var inputCount: Int { input.0 * input.1 * input.2 }
  var outputCount: Int { output.0 * output.1 * output.2 }

  var kernelForm: sp_conv_geometry {
    sp_conv_geometry(
      channels: 1, height: input.1, width: input.2, kernel_h: kernel.1, kernel_w: kernel.2,
      stride_h: strides.1, stride_w: strides.2, dilation_h: dilations.1,
      dilation_w: dilations.2, pad_top: padsBegin.1, pad_left: padsBegin.2,
      out_height: output.1, out_width: output.2, plane: input.1 * input.2, row: input.2)
  }
}

/// Any element type in up to three dimensions.
private struct PoolVisitor: ArithmeticVisitor {
  let op: Pool
  let geometry: PoolGeometry
  let chunks: Chunks
  let from: Slot
  let to: Slot

  func visit<T: Arithmetic>(_ type: T.Type) -> Step {
    let (g, chunks, from, to) = (geometry, chunks, from, to)
    return Step(tasks: chunks.tasks, kernel: "pool") { work in
      for plane in chunks.range(work.task) {
        let x = work.pointer(from, as: T.self) + plane * g.inputCount
        var y = work.pointer(to, as: T.self) + plane * g.outputCount
        for z in 0..<g.output.0 {
          for row in 0..<g.output.1 {
            for column in 0..<g.output.2 {
              y.pointee = value(x, (z, row, column))
              y += 1
            }
          }
        }
      }
    }
  }

  /// One output: the largest element, or the mean, of the window at `position`.
  @inline(__always)
  private func value<T: Arithmetic>(
    _ x: UnsafeMutablePointer<T>, _ position: PoolGeometry.Triple
  ) -> T {
    let g = geometry
    var (largest, sum, counted) = (T.lowest, 0.0, 0)
    for kz in 0..<g.kernel.0 {
      let z = position.0 * g.strides.0 - g.padsBegin.0 + kz * g.dilations.0
      for ky in 0..<g.kernel.1 {
        let row = position.1 * g.strides.1 - g.padsBegin.1 + ky * g.dilations.1
        for kx in 0..<g.kernel.2 {
          let column = position.2 * g.strides.2 - g.padsBegin.2 + kx * g.dilations.2
          let isInside =
            (0..<g.input.0).contains(z) && (0..<g.input.1).contains(row)
            && (0..<g.input.2).contains(column)
          if isInside {
            let element = x[(z * g.input.1 + row) * g.input.2 + column]
            largest = T.larger(largest, element)
            sum += element.real
          }
          // Positions beyond the end padding exist only through rounding up: they never count.
          let isPadding =
            z < g.input.0 + g.padsEnd.0 && row < g.input.1 + g.padsEnd.1
            && column < g.input.2 + g.padsEnd.2
          if isInside || op.countsPadding && isPadding { counted += 1 }
        }
      }
    }
    if op.kind == .max { return largest }
    return counted == 0 ? T.zero : T(real: sum / Double(counted))
  }
}
