import SparrowCore

extension MaxPoolGradient {
  /// Plane by plane: each window's largest element is found again.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, gradient) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, gradient.dtype == .float32 else {
      return p.referenceStep(.maxPoolGradient(self))
    }
    let spatial = Array(x.shape.dropFirst(2))
    let resolved: Window.Resolved
    do throws(InferenceError) {
      resolved = try window.resolved(kernel: nil, input: spatial.map { .known($0) })
    } catch {
      throw p.unsupported(error.reason)
    }
    guard let taps = resolved.kernel.checkedElementCount, taps <= 1 << 24 else {
      throw p.unsupported("its window has too many elements")
    }
    let geometry = PoolGeometry(
      resolved, input: spatial, output: Array(gradient.shape.dropFirst(2)))
    let chunks = Chunks(
      x.shape[0] * x.shape[1], tasks: p.tasks(work: gradient.count * taps, limit: 64))
    let (from, gradients, to) = (p.slot(x), p.slot(gradient), p.slot(p.outputs[0]))
    return Step(tasks: chunks.tasks, kernel: "max_pool_gradient") { work in
      for plane in chunks.range(work.task) {
        let x = work.floats(from) + plane * geometry.inputCount
        let target = work.floats(to) + plane * geometry.inputCount
        var gradient = UnsafePointer(work.floats(gradients) + plane * geometry.outputCount)
        target.update(repeating: 0, count: geometry.inputCount)
        for z in 0..<geometry.output.0 {
          for row in 0..<geometry.output.1 {
            for column in 0..<geometry.output.2 {
              let place = geometry.largest(x, (z, row, column))
              if place >= 0 { target[place] += gradient.pointee }
              gradient += 1
            }
          }
        }
      }
    }
  }
}

extension PoolGeometry {
  /// Where the first of the largest elements under the window is; -1 where it holds padding only.
  @inline(__always)
  fileprivate func largest(_ x: UnsafePointer<Float>, _ position: Triple) -> Int {
    var (best, place) = (-Float.infinity, -1)
    for kz in 0..<kernel.0 {
      let z = position.0 * strides.0 - padsBegin.0 + kz * dilations.0
      guard z >= 0, z < input.0 else { continue }
      for ky in 0..<kernel.1 {
        let row = position.1 * strides.1 - padsBegin.1 + ky * dilations.1
        guard row >= 0, row < input.1 else { continue }
        let line = (z * input.1 + row) * input.2
        for kx in 0..<kernel.2 {
          let column = position.2 * strides.2 - padsBegin.2 + kx * dilations.2
          guard column >= 0, column < input.2 else { continue }
          if place < 0 || x[line + column] > best {
            (best, place) = (x[line + column], line + column)
          }
        }
      }
    }
    return place
  }
}
