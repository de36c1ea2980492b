declare module '*.wgsl' {
  const kernel: import('../src/gpu/kernel.ts').Kernel;
  export default kernel;
}
