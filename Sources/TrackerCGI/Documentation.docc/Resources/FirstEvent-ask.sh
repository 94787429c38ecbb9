REQUEST_METHOD=GET REQUEST_URI=/hello/you/ swift run hello
