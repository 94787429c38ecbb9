export RA_PROJECT_ID=my-project RA_PROJECT_TOKEN=my-token RA_BACKEND_ENDPOINT=http://127.0.0.1:8001
REQUEST_METHOD=GET REQUEST_URI=/hello/you/ swift run hello
